/**
 * Owns what health and metrics show of the source: counts, and what is wrong with it. A plain value and its reducer. Does not look and does
 * not judge.
 */

export type SourceTrouble = { readonly kind: string; readonly message: string; readonly remedy: string };
type SourceSeverity = 'loss' | 'warning' | 'info';

export type SourceState = {
  readonly looksFailed: number;
  readonly changes: Readonly<Record<SourceSeverity, number>>;
  /** How many notices and warnings the server has sent in the stream. */
  readonly notices: number;
  /** Losses by kind. They show until the process ends, because nothing else says that rows are missing. */
  readonly losses: ReadonlyMap<string, SourceTrouble>;
  /** Troubles that show until they are cured. */
  readonly standing: readonly SourceTrouble[];
};

export type SourceEvent =
  | { readonly tag: 'sourceLookFailed' }
  | { readonly tag: 'sourceNotice' }
  | { readonly tag: 'sourceChanged'; readonly severity: SourceSeverity }
  | { readonly tag: 'sourceLoss'; readonly trouble: SourceTrouble }
  /** Everything that is wrong now; replaces the list of before. */
  | { readonly tag: 'sourceStands'; readonly troubles: readonly SourceTrouble[] };

/** There are fewer kinds than this. The limit only ensures that the map cannot grow without end. */
const TROUBLES_MAX = 50;

export const UNSEEN_SOURCE: SourceState = {
  looksFailed: 0,
  changes: { loss: 0, warning: 0, info: 0 },
  notices: 0,
  losses: new Map(),
  standing: [],
};

export function reduceSource(state: SourceState, event: SourceEvent): SourceState {
  switch (event.tag) {
    case 'sourceLookFailed':
      return { ...state, looksFailed: state.looksFailed + 1 };
    case 'sourceNotice':
      return { ...state, notices: state.notices + 1 };
    case 'sourceChanged':
      return { ...state, changes: { ...state.changes, [event.severity]: state.changes[event.severity] + 1 } };
    case 'sourceLoss':
      if (state.losses.size >= TROUBLES_MAX) return state;
      return { ...state, losses: new Map(state.losses).set(event.trouble.kind, event.trouble) };
    default:
      return { ...state, standing: event.troubles };
  }
}

export function troublesOf({ losses, standing }: SourceState): readonly SourceTrouble[] {
  return [...losses.values(), ...standing];
}
