/**
 * Owns the routes of one relation version under transforms, by kind of record. A kind's chain is run when its first record comes.
 */
import { constantText } from '../../events/facts.ts';
import type { TableShapes } from '../../events/record-shape.ts';
import type { Header } from '../../serde/record-headers.ts';
import type { TransformChain } from '../../transforms/chain.ts';
import { HeaderList, type HeaderShape, type Outcome, type RecordKind } from '../../transforms/shaped-record.ts';
import { type RouteDeps, RouteTree } from './record-route.ts';

/** `newkey` and `oldkey`: the two halves of a key change, whose records have one more header. */
export type TableRecordKind = Extract<RecordKind, 'create' | 'update' | 'read' | 'truncate'> | 'newkey' | 'oldkey' | 'delete';

type ChainDeps = {
  readonly chain: TransformChain;
  readonly contextHeaders: readonly Header[];
};

/** `tombstone`: only a delete has one. Its chain is run when it is asked for: where none is sent, it cannot fail. */
type Outcomes = { readonly record: Outcome; readonly tombstone: (() => Outcome) | undefined };

type Trees = { readonly record: RouteTree; readonly tombstone: (() => RouteTree) | undefined };

export class TransformedTable {
  readonly #shapes: () => TableShapes;
  readonly #topic: string;
  readonly #deps: RouteDeps & ChainDeps;
  readonly #trees = new Map<TableRecordKind, Trees>();

  constructor(shapes: () => TableShapes, topic: string, deps: RouteDeps & ChainDeps) {
    this.#shapes = shapes;
    this.#topic = topic;
    this.#deps = deps;
  }

  /** A delete has a tombstone too. Throws transform_failed. */
  treesOf(kind: TableRecordKind): Trees {
    let trees = this.#trees.get(kind);
    if (trees === undefined) {
      trees = this.#plan(kind);
      this.#trees.set(kind, trees);
    }
    return trees;
  }

  #plan(kind: TableRecordKind): Trees {
    const { record, tombstone } = outcomesOf(kind, { shapes: this.#shapes(), topic: this.#topic }, this.#deps);
    let tree: RouteTree | undefined;
    const tombstoneTree = (outcome: () => Outcome): RouteTree => {
      tree ??= new RouteTree(outcome(), this.#deps);
      return tree;
    };
    return {
      record: new RouteTree(record, this.#deps),
      tombstone: tombstone === undefined ? undefined : () => tombstoneTree(tombstone),
    };
  }
}

/** What the chain makes of a table's records of one kind. Throws transform_failed. */
export function outcomesOf(
  kind: TableRecordKind,
  { shapes, topic }: { readonly shapes: TableShapes; readonly topic: string },
  { chain, contextHeaders }: ChainDeps,
): Outcomes {
  const { relation, key, value } = kind === 'truncate' ? shapes.truncate : shapes.row;
  const record = { kind: recordKind(kind), relation, topic, partition: undefined, timestamp: undefined, key, value };
  // A delete and its tombstone hold one list: what is appended to it in place shows in both.
  const headers = new HeaderList(headersOf(kind, contextHeaders));
  const outcome = chain.run({ ...record, headers });
  if (kind !== 'delete' && kind !== 'newkey') return { record: outcome, tombstone: undefined };
  return { record: outcome, tombstone: () => chain.run({ ...record, kind: 'tombstone', value: undefined, headers }) };
}

function recordKind(kind: TableRecordKind): RecordKind {
  if (kind === 'newkey') return 'delete';
  return kind === 'oldkey' ? 'create' : kind;
}

const TEXT = { type: 'string', optional: false } as const;

function constantHeader([name, value]: Header): HeaderShape {
  const text = value === null ? null : Buffer.from(value).toString();
  return { name, value: { schema: TEXT, origin: { from: 'fact', fact: constantText(text) } } };
}

function headersOf(kind: TableRecordKind, context: readonly Header[]): readonly HeaderShape[] {
  const common = context.map(constantHeader);
  if (kind !== 'newkey' && kind !== 'oldkey') return common;
  return [{ name: `__debezium.${kind}`, value: 'other key' }, ...common];
}
