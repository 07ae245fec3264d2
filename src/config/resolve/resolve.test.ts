import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ResolvedOptions } from '../../core/options.ts';
import type { ConfigEnvironment } from '../environment.ts';
import { formatNotes, formatProblems, type Problem, problemsAsJson } from '../problems.ts';
import { HONOURED_VALUES } from '../table/honoured-values.ts';
import { OPTIONS } from '../table/options.ts';
import { resolveConfig, splitStatements } from './resolve.ts';

const NOTHING: ConfigEnvironment = {
  variables: {},
  readFile: () => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  },
};

const REQUIRED = {
  'database.hostname': 'localhost',
  'database.user': 'u',
  'database.dbname': 'd',
  'topic.prefix': 'srv',
  'bootstrap.servers': 'localhost:9092',
};

function resolved(more: Readonly<Record<string, unknown>> = {}, environment = NOTHING): ResolvedOptions {
  const result = resolveConfig({ ...REQUIRED, ...more }, environment);
  if (result.tag === 'refused') throw new Error(formatProblems(result.problems));
  return result.options;
}

function problemsOf(more: Readonly<Record<string, unknown>>, environment = NOTHING): readonly Problem[] {
  const result = resolveConfig({ ...REQUIRED, ...more }, environment);
  return result.tag === 'refused' ? result.problems : [];
}

const keysOf = (problems: readonly Problem[]): string[] => problems.map((each) => each.key);

function notesOf(more: Readonly<Record<string, unknown>>): string {
  return formatNotes(resolveConfig({ ...REQUIRED, ...more }, NOTHING).notes);
}

describe('a config with the required options only', () => {
  test("has Debezium's and Kafka's defaults, and those of its own", () => {
    const options = resolved();
    expect(options).toMatchObject({
      name: 'srv',
      database: { port: 5432, sslMode: 'prefer', connectTimeoutMs: 10_000, tcpKeepAlive: true, password: undefined },
      slot: { name: 'debezium', dropOnStop: false },
      publication: { name: 'dbz_publication', autocreateMode: 'all_tables' },
      snapshot: { mode: 'initial', includeCollections: [] },
      keyConverter: { schemasEnable: true },
      offsetStorage: { topic: 'slotline-offsets', partitions: 1, replicationFactor: -1 },
      statusUpdateIntervalMs: 10_000,
      startTimeoutMs: Number.POSITIVE_INFINITY,
      retriesMax: -1,
      retryWaitMaxMs: 2_000,
      logLevel: 'info',
    });
    expect(options.producer).toEqual({
      acks: -1,
      idempotence: true,
      maxInFlightPerConnection: 5,
      compression: 'none',
      lingerMs: 0,
      batchBytesMax: 524_288,
      requestBytesMax: 1_048_576,
      deliveryTimeoutMs: 120_000,
      requestTimeoutMs: 30_000,
      bufferBytesMax: 33_554_432,
      bufferRecordsMax: 131_072,
    });
    expect(options.events.skippedOperations).toEqual(new Set(['t']));
    expect(options.events.skippedOperationsGiven).toBe(false);
  });

  test('takes the form of Connect, its name, and values of any JSON type', () => {
    const result = resolveConfig({ name: 'outer', config: { ...REQUIRED, 'database.port': 6543, 'tombstones.on.delete': false } }, NOTHING);
    expect(result).toMatchObject({
      tag: 'resolved',
      options: { name: 'outer', database: { port: 6543 }, events: { tombstonesOnDelete: false } },
    });
  });

  test('every missing option is named at once', () => {
    const result = resolveConfig({}, NOTHING);
    expect(result.tag === 'refused' && keysOf(result.problems).toSorted()).toEqual(Object.keys(REQUIRED).toSorted());
  });
});

describe('values', () => {
  test.each([
    ['db.example.org', 'db.example.org'],
    ['10.0.0.1', '10.0.0.1'],
    ['::1', '::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['/var/run/postgresql', '/var/run/postgresql'],
  ])('database.hostname %s is taken', (written, hostname) => {
    expect(resolved({ 'database.hostname': written }).database.hostname).toBe(hostname);
  });

  test('what a registry refuses stops the connector unless dead letters are asked for', () => {
    expect(resolved().events.deadLetters).toBeUndefined();
    expect(resolved({ 'slotline.schema.incompatible.dlq.topic': 'd' }).events.deadLetters).toBeUndefined();
    const asked = { 'slotline.schema.incompatible.action': 'dlq' };
    expect(resolved(asked).events.deadLetters).toEqual({ topicName: undefined });
    expect(resolved({ ...asked, 'slotline.schema.incompatible.dlq.topic': 'd' }).events.deadLetters).toEqual({ topicName: 'd' });
  });

  test.each([
    ['slotline.schema.incompatible.action', 'skip'],
    ['slotline.schema.incompatible.dlq.topic', 'a b'],
    ['database.hostname', 'a,b'],
    ['database.hostname', 'host:5432'],
    ['database.port', 'x'],
    ['database.port', '70000'],
    ['database.sslmode', 'on'],
    ['slot.name', 'Debezium'],
    ['slot.name', 'a'.repeat(64)],
    ['slot.stream.params', 'origin'],
    ['slot.stream.params', 'proto_version=4'],
    ['slot.stream.params', 'binary=true'],
    ['topic.prefix', 'a b'],
    ['topic.delimiter', '/'],
    ['message.key.columns', 'public.orders'],
    ['message.key.columns', 'public.(orders:id'],
    ['skipped.operations', 'none,t'],
    ['skipped.operations', 'x'],
    ['unavailable.value.placeholder', 'hex:0'],
    ['table.include.list', 'public.(a'],
    ['table.include.list', 'public\\.a++'],
    ['table.include.list', '(?x)public\\.a'],
    ['table.include.list', '\\Qpublic.a\\E'],
    ['bootstrap.servers', 'localhost'],
    ['bootstrap.servers', ','],
    ['status.update.interval.ms', '0'],
    ['snapshot.mode', 'sometimes'],
    ['connector.class', 'io.debezium.connector.mysql.MySqlConnector'],
    ['slotline.start.timeout', 'soon'],
    ['offset.storage.partitions', '0'],
    ['provide.transaction.metadata', 'maybe'],
    ['max.queue.size', ['1']],
  ])('%s=%s is one problem with that key', (key, value) => {
    expect(keysOf(problemsOf({ [key]: value }))).toEqual([key]);
  });

  test('splits lists, keys, parameters and statements as Debezium does', () => {
    const options = resolved({
      'table.include.list': ' public\\.a{1\\,2} , ,public\\.b',
      'message.key.columns': 'public\\.a:x,y; (.*)\\.b:z ;one,two\\,2 :k',
      'slot.stream.params': 'origin=none; messages_only = a=b ',
      'skipped.operations': 'c, d',
      'bootstrap.servers': 'a:1, [::1]:2 ,SSL://b:3,a:1',
      'database.initial.statements': "set a = 'x;;y'; set b = 1;",
    });
    expect(options.filter.tableInclude).toEqual(['public\\.a{1,2}', 'public\\.b']);
    expect(options.events.keyColumns).toEqual([
      { table: 'public\\.a', columns: ['x', 'y'] },
      { table: '(.*)\\.b', columns: ['z'] },
      { table: 'two\\,2 ', columns: ['k'] },
    ]);
    expect(options.slot.streamParams).toEqual([
      ['origin', 'none'],
      ['messages_only', 'a=b'],
    ]);
    expect(options.events.skippedOperations).toEqual(new Set(['c', 'd']));
    expect(options.events.skippedOperationsGiven).toBe(true);
    expect(options.kafka.bootstrapServers.map((each) => `${each.host} ${each.port}`)).toEqual(['a 1', '::1 2', 'b 3']);
    expect(options.database.initialStatements).toEqual(["set a = 'x;y'", 'set b = 1']);
    expect(splitStatements('')).toEqual([]);
    expect(resolved({ 'skipped.operations': 'none' }).events.skippedOperations.size).toBe(0);
  });

  test('an empty value is the default, except where empty means something', () => {
    expect(resolved({ 'slot.name': '', 'table.include.list': ' ', 'heartbeat.action.query': '' }).slot.name).toBe('debezium');
    expect(resolved({ 'unavailable.value.placeholder': '' }).events.unavailableValuePlaceholder).toBe('');
    expect(resolved({ 'ssl.endpoint.identification.algorithm': '' }).kafka.tlsVerifyHostname).toBe(false);
    expect(keysOf(problemsOf({ 'topic.prefix': ' ' }))).toEqual(['topic.prefix']);
  });

  test.each([
    ['250', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['-1', Number.POSITIVE_INFINITY],
    ['forever', Number.POSITIVE_INFINITY],
  ])('slotline.start.timeout=%s is %d ms', (written, ms) => {
    expect(resolved({ 'slotline.start.timeout': written }).startTimeoutMs).toBe(ms);
  });

  test.each(['schema', 'table', 'column', 'message.prefix'])(
    '%s include and exclude lists exclude each other, also where one is wrong',
    (what) => {
      const problems = problemsOf({ [`${what}.include.list`]: 'a', [`${what}.exclude.list`]: 'b' });
      expect(problems).toMatchObject([{ key: `${what}.exclude.list`, reason: `"${what}.include.list" is already specified` }]);
      expect(problemsOf({ [`${what}.include.list`]: '(', [`${what}.exclude.list`]: 'b' })).toHaveLength(2);
    },
  );
});

describe('old names', () => {
  test('are read as the new ones, with a note', () => {
    const { 'topic.prefix': _, ...rest } = REQUIRED;
    const result = resolveConfig(
      { ...rest, 'database.server.name': 'old', 'table.whitelist': 'a', 'truncate.handling.mode': 'include' },
      NOTHING,
    );
    expect(result).toMatchObject({ tag: 'resolved', options: { events: { topicPrefix: 'old' }, filter: { tableInclude: ['a'] } } });
    expect(formatNotes(result.notes)).toContain('database.server.name: is the old name of topic.prefix');
    expect(resolved({ 'snapshot.mode': 'NEVER' }).snapshot.mode).toBe('no_data');
    expect(resolved({ 'snapshot.mode': 'exported' }).snapshot.mode).toBe('initial');
  });

  test('lose against the new one', () => {
    expect(resolved({ 'database.server.name': 'old' }).events.topicPrefix).toBe('srv');
  });

  test('are refused where what they mean now is', () => {
    expect(keysOf(problemsOf({ 'flush.lsn.source': 'false', 'slot.seek.to.known.offset.on.start': 'true' }))).toEqual([
      'flush.lsn.source',
      'slot.seek.to.known.offset.on.start',
    ]);
    expect(resolved({ 'sanitize.field.names': true }).events.fieldNameAdjustment).toBe('avro');
    expect(
      problemsOf({ 'flush.lsn.source': 'true', 'sanitize.field.names': false, 'slot.seek.to.known.offset.on.start': 'false' }),
    ).toEqual([]);
  });
});

describe('options that are not honoured', () => {
  const refused = OPTIONS.filter((spec) => spec.status === 'not yet' && !spec.name.includes('<'));

  test.each(refused.map((spec) => [spec.name, spec.default] as const))(
    '%s may be set to its default and to nothing else',
    (name, value) => {
      if (value !== undefined) expect(problemsOf({ [name]: value })).toEqual([]);
      const spec = refused.find((each) => each.name === name);
      const other = spec?.kind.tag === 'boolean' ? 'true' : spec?.kind.tag === 'enum' ? (spec.kind.values.at(-1) ?? '') : '7';
      expect(problemsOf({ [name]: other })).toMatchObject([{ kind: 'unsupported', key: name }]);
      expect(problemsOf({ [name]: other, 'slotline.unsupported.allow': `x,${name}` })).toEqual([]);
    },
  );

  test('a member of a refused family is refused unless it is named as to be ignored', () => {
    const key = 'signal.consumer.fetch.min.bytes';
    expect(problemsOf({ [key]: 'a' })).toMatchObject([{ kind: 'unsupported' }]);
    expect(problemsOf({ [key]: 'a', 'slotline.unsupported.allow': key })).toEqual([]);
  });

  test('values of honoured options are refused by the table of honoured values, and only those', () => {
    for (const [name, honoured] of Object.entries(HONOURED_VALUES)) {
      const kind = OPTIONS.find((spec) => spec.name === name)?.kind;
      const values = kind?.tag === 'enum' ? kind.values : ['true', 'false'];
      for (const value of values) {
        const isHonoured = (honoured as readonly string[]).includes(value);
        expect(keysOf(problemsOf({ [name]: value.toUpperCase() })), `${name}=${value}`).toEqual(isHonoured ? [] : [name]);
      }
    }
  });

  test('names given by converters and post.processors are known', () => {
    const problems = problemsOf({ converters: 'isbn', 'isbn.type': 'x', 'post.processors': 're', 're.type': 'y' });
    expect(keysOf(problems)).toEqual(['converters', 'post.processors']);
    expect(problems[0]?.reason).toContain('isbn.type');
    expect(keysOf(problemsOf({ 'isbn.type': 'x' }))).toEqual(['isbn.type']);
  });

  test('properties of the JDBC driver about login and encryption are refused, misspelled options are unknown', () => {
    expect(problemsOf({ 'driver.sslmode': 'disable' })).toMatchObject([
      { kind: 'unsupported', reason: expect.stringContaining('database.sslmode') },
    ]);
    expect(problemsOf({ 'database.ssl': 'true' })).toMatchObject([{ kind: 'unsupported' }]);
    expect(problemsOf({ 'database.pasword': 'x' })).toMatchObject([{ kind: 'unknown', didYouMean: 'database.password', value: undefined }]);
  });
});

describe('unknown options', () => {
  test.each([
    ['tabel.include.list', 'table.include.list'],
    ['slot_name', 'slot.name'],
    ['Topic.Prefix', 'topic.prefix'],
    ['producer.compresion.type', 'producer.compression.type'],
    ['topic.creation.default.retension.ms', 'topic.creation.default.retention.ms'],
    ['topic.creation.default.partition', 'topic.creation.default.partitions'],
    ['slotline.unsuported.allow', 'slotline.unsupported.allow'],
    ['schema.include', 'schema.include.list'],
    ['replication.slot.name', 'slot.name'],
  ])('%s: did you mean %s?', (written, meant) => {
    expect(problemsOf({ [written]: 'x' })).toMatchObject([{ kind: 'unknown', key: written, didYouMean: meant }]);
  });

  test('have no suggestion where none is near', () => {
    expect(problemsOf({ 'completely.other': 1 })).toMatchObject([{ kind: 'unknown', didYouMean: undefined }]);
  });

  test('are ignored where slotline.unsupported.allow names them', () => {
    const allowed = { 'completely.other': 1, 'slotline.unsupported.allow': 'completely.other' };
    expect(problemsOf(allowed)).toEqual([]);
    expect(notesOf(allowed)).toContain('completely.other: is ignored because slotline.unsupported.allow names it');
  });

  test('stand beside config', () => {
    expect(resolveConfig({ config: REQUIRED, 'slot.name': 'x' }, NOTHING)).toMatchObject({
      tag: 'refused',
      problems: [{ key: 'slot.name' }],
    });
  });
});

describe('problems', () => {
  test('are all reported at once', () => {
    const keys = keysOf(
      problemsOf({ 'database.port': 'x', nonsense: 1, converters: 'a', 'slot.name': 'A', acks: '1', 'topic.prefix': '' }),
    );
    expect(keys.toSorted()).toEqual(['acks', 'converters', 'database.port', 'nonsense', 'slot.name', 'topic.prefix']);
  });

  test('print as lines and as JSON', () => {
    const problems = problemsOf({ 'database.port': 'x', 'tabel.include.list': 'a', converters: 'a' });
    const text = formatProblems(problems);
    expect(text).toContain('database.port=x: must be a whole number');
    expect(text).toContain('tabel.include.list: is not an option (did you mean table.include.list?)');
    expect(text.split('\n').at(-1)).toContain('slotline.unsupported.allow');
    expect(problemsAsJson(problems)).toContainEqual({
      kind: 'invalid',
      key: 'database.port',
      value: 'x',
      reason: 'must be a whole number',
    });
  });

  test('never hold a secret, whatever else is wrong', () => {
    const secretKeys = [
      'database.password',
      'database.sslpassword',
      'sasl.password',
      'sasl.jaas.config',
      'producer.override.sasl.jaas.config',
      'ssl.key.password',
      'ssl.keystore.key',
      'ssl.keystore.password',
      'ssl.truststore.password',
      'sasl.oauthbearer.client.credentials.client.secret',
      'slotline.sasl.oauthbearer.token',
      'database.pasword',
      'driver.password',
      'database.sslpasswrd',
      'signal.consumer.sasl.jaas.config',
      'key.converter.basic.auth.user.info',
      'heartbeat.action.query',
      'my.house.key',
      'value.converter.registry.auth.client-secret',
      'transforms.a.password',
      'admin.override.sasl.jaas.config',
      'sasl.oauthbearer.assertion.private.key.passphrase',
      'unknown',
    ];
    const secret = fc.string({ minLength: 12, maxLength: 30, unit: 'grapheme-ascii' }).map((text) => `\u00a7${text}\u00a7`);
    const config = fc.dictionary(fc.constantFrom(...secretKeys), secret, { minKeys: 1 });
    fc.assert(
      fc.property(config, secret, fc.boolean(), (secrets, salt, sasl) => {
        const raw = {
          ...REQUIRED,
          ...(sasl ? { 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'PLAIN' } : { 'security.protocol': 'SSL' }),
          'custom.sanitize.pattern': 'my\\..*',
          'database.hostname': `postgres://user:${salt}@host`,
          [`column.mask.hash.SHA-256.with.salt.${salt}`]: 'a',
          'database.port': `$\{env:PORT}`,
          ...secrets,
        };
        const environment = { ...NOTHING, variables: { PORT: salt } };
        const result = resolveConfig(raw, environment);
        expect(result.tag).toBe('refused');
        const printed =
          result.tag === 'refused'
            ? formatProblems(result.problems) + JSON.stringify(problemsAsJson(result.problems)) + formatNotes(result.notes)
            : '';
        expect(printed).not.toContain('\u00a7');
      }),
    );
  });
});
