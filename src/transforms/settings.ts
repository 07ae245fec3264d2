/** Owns reading a transform's options, which the config has checked: text, lists and flags, as Connect parses them. */

export class TransformSettings {
  readonly #options: ReadonlyMap<string, string>;

  constructor(options: ReadonlyMap<string, string>) {
    this.#options = options;
  }

  text(name: string, fallback: string): string {
    return this.#options.get(name) ?? fallback;
  }

  optional(name: string): string | undefined {
    return this.#options.get(name);
  }

  flag(name: string, fallback: boolean): boolean {
    const text = this.#options.get(name)?.trim().toLowerCase();
    return text === undefined ? fallback : text === 'true';
  }

  /** Split at commas, with the blanks around them left out. Source: org.apache.kafka.common.config.ConfigDef.parseType. */
  list(name: string): readonly string[] {
    const text = this.#options.get(name)?.trim() ?? '';
    return text === '' ? [] : text.split(',').map((entry) => entry.trim());
  }
}
