/** Owns the cases of transforms whose result depends on the type of a column: Cast, TimestampConverter, MaskField, TimezoneConverter. */
import { ALL_FORMS, chain, debezium, JSON_FORMS, kafka, NO_END_MESSAGE, type Settings, type TransformCase, UNWRAP } from './chain.ts';
import { FEW, type Statements } from './tables.ts';

const DROP: Settings = { type: UNWRAP, 'delete.tombstone.handling.mode': 'drop' };

/** Columns of the types that the value transforms tell apart. */
const TYPED: Statements = {
  setup: [
    'create table typed (id int primary key, s smallint, i int default 5, l bigint, f real, d double precision, n numeric(10,2), w numeric(10,0), b boolean, t text, x text, c date, h time(3), p timestamp(3), q timestamp(6), z timestamptz, y bytea, j jsonb, u uuid)',
    "insert into typed values (1, 1, 200, 3000000000, 1.5, 1e-5, 12.50, 7, true, '42', 'a', '2024-02-29', '12:34:56.789', '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789+00', '\\x00ff', '{\"a\": 1}', '00000000-0000-0000-0000-000000000001')",
  ],
  steps: [
    ["insert into typed (id, i, t) values (2, null, '-7')"],
    [
      "insert into typed values (3, -1, -1, -1, 1e30, -1.5e300, -0.01, -7, false, '0', '', '1969-12-31', '00:00:00', '1969-12-31 23:59:59.999', '1969-12-31 23:59:59.999999', '0001-01-01 00:00:00+00', '\\x', '[]', '00000000-0000-0000-0000-000000000003')",
    ],
    ["update typed set t = '2147483647' where id = 1"],
    ['delete from typed where id = 2'],
  ],
};

function onRows(name: string, stages: Readonly<Record<string, Settings>>, more: Settings = {}, forms = JSON_FORMS): TransformCase {
  return { name, forms, tables: TYPED, settings: { ...more, ...chain({ unwrap: DROP, ...stages }) } };
}

const times = (target: string, options: Settings): Settings => ({
  type: kafka('TimestampConverter$Value'),
  'target.type': target,
  ...options,
});

export const TYPE_CASES: readonly TransformCase[] = [
  onRows(
    'transform-cast',
    {
      cast: {
        type: kafka('Cast$Value'),
        spec: 's:string,i:int8,l:int32,f:int64,d:string,n:string,w:float64,b:string,t:int32,c:int64,p:string,z:string,y:string,q:float32',
      },
    },
    {},
    ALL_FORMS,
  ),
  onRows(
    'transform-cast-more',
    {
      cast: {
        type: kafka('Cast$Value'),
        spec: 's:boolean,i:STRING,l:float32,f:int32,d:int64,n:int16,w:boolean,b:int32,t:float64,u:string,j:string',
      },
      plain: { type: kafka('ExtractField$Key'), field: 'id' },
      key: { type: kafka('Cast$Key'), spec: 'string' },
    },
    NO_END_MESSAGE,
  ),
  onRows(
    'transform-cast-connect-times',
    {
      cast: { type: kafka('Cast$Value'), spec: 'c:string,h:string,p:string,q:int64' },
    },
    { 'time.precision.mode': 'connect' },
  ),
  onRows(
    'transform-timestamps',
    {
      text: times('string', { field: 'q', format: "yyyy-MM-dd'T'HH:mm:ss.SSSSSS", 'unix.precision': 'microseconds' }),
      stamp: times('Timestamp', { field: 'p' }),
      parsed: times('unix', { field: 'z', format: "yyyy-MM-dd'T'HH:mm:ss", 'unix.precision': 'seconds' }),
      missing: times('unix', { field: 'nosuch' }),
    },
    {},
    ALL_FORMS,
  ),
  onRows(
    'transform-timestamps-connect',
    {
      text: times('string', { field: 'p', format: 'yyyy-MM-dd EEE HH:mm:ss zzz' }),
      day: times('Date', { field: 'q' }),
      clock: times('Time', { field: 'z', format: "yyyy-MM-dd'T'HH:mm:ss" }),
      micros: times('unix', { field: 'c', 'unix.precision': 'microseconds' }),
    },
    { 'time.precision.mode': 'connect' },
  ),
  onRows(
    'transform-mask',
    {
      mask: { type: kafka('MaskField$Value'), fields: 's,i,l,f,d,w,b,t,c,p,z,j,u,nosuch' },
    },
    NO_END_MESSAGE,
    ALL_FORMS,
  ),
  onRows(
    'transform-mask-replacement',
    {
      text: { type: kafka('MaskField$Value'), fields: 't,x,z,u', replacement: '***' },
      number: { type: kafka('MaskField$Value'), fields: 's,i,l,f,d,w', replacement: '9' },
      decimal: { type: kafka('MaskField$Value'), fields: 'n', replacement: '0.00' },
      key: { type: kafka('MaskField$Key'), fields: 'id', replacement: '-1' },
    },
    NO_END_MESSAGE,
  ),
  {
    name: 'transform-timezone',
    forms: JSON_FORMS,
    tables: TYPED,
    settings: chain({
      zone: {
        type: debezium('TimezoneConverter'),
        'converted.timezone': 'America/New_York',
        'include.list': 'source:typed:z, typed:p, typed:before.q',
      },
    }),
  },
  {
    name: 'transform-timezone-offset',
    forms: ['json'],
    tables: TYPED,
    settings: {
      'time.precision.mode': 'connect',
      ...chain({ zone: { type: debezium('TimezoneConverter'), 'converted.timezone': '+02:00', 'exclude.list': 'source:typed:q' } }),
    },
  },
  {
    name: 'transform-schema-to-record',
    forms: JSON_FORMS,
    tables: FEW,
    settings: { 'column.propagate.source.type': '.*', ...chain({ schema: { type: debezium('ExtractSchemaToNewRecord') } }) },
  },
];
