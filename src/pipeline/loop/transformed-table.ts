/**
 * Owns the routes of one relation version under transforms, by kind of record. A kind's chain is run when its first record comes.
 */
import { constantText } from '../../events/facts.ts';
import type { TableShapes } from '../../events/record-shape.ts';
import type { Header } from '../../serde/record-headers.ts';
import type { TransformChain } from '../../transforms/chain.ts';
import { HeaderList, type HeaderShape, type RecordKind } from '../../transforms/shaped-record.ts';
import { type RouteDeps, RouteTree } from './record-route.ts';

/** `newkey` and `oldkey`: the two halves of a key change, whose records have one more header. */
export type TableRecordKind = Extract<RecordKind, 'create' | 'update' | 'read' | 'truncate'> | 'newkey' | 'oldkey' | 'delete';

export type TransformedTableDeps = RouteDeps & {
  readonly chain: TransformChain;
  readonly contextHeaders: readonly Header[];
};

/** `tombstone`: of a delete. Its chain is run when the first one is sent: where none is, it cannot fail. */
type Trees = { readonly record: RouteTree; readonly tombstone: (() => RouteTree) | undefined };

export class TransformedTable {
  readonly #shapes: () => TableShapes;
  readonly #topic: string;
  readonly #deps: TransformedTableDeps;
  readonly #trees = new Map<TableRecordKind, Trees>();

  constructor(shapes: () => TableShapes, topic: string, deps: TransformedTableDeps) {
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
    const { chain } = this.#deps;
    const { row, truncate } = this.#shapes();
    const { relation, key, value } = kind === 'truncate' ? truncate : row;
    const record = { kind: recordKind(kind), relation, topic: this.#topic, partition: undefined, timestamp: undefined, key, value };
    // A delete and its tombstone hold one list: what is appended to it in place shows in both.
    const headers = new HeaderList(headersOf(kind, this.#deps.contextHeaders));
    const tree = new RouteTree(chain.run({ ...record, headers }), this.#deps);
    if (kind !== 'delete' && kind !== 'newkey') return { record: tree, tombstone: undefined };
    let tombstone: RouteTree | undefined;
    return {
      record: tree,
      tombstone: () => {
        tombstone ??= new RouteTree(chain.run({ ...record, kind: 'tombstone', value: undefined, headers }), this.#deps);
        return tombstone;
      },
    };
  }
}

function recordKind(kind: TableRecordKind): RecordKind {
  if (kind === 'newkey') return 'delete';
  return kind === 'oldkey' ? 'create' : kind;
}

const TEXT = { type: 'string', optional: false } as const;

export function constantHeader([name, value]: Header): HeaderShape {
  const text = value === null ? null : Buffer.from(value).toString();
  return { name, value: { schema: TEXT, origin: { from: 'fact', fact: constantText(text) } } };
}

function headersOf(kind: TableRecordKind, context: readonly Header[]): readonly HeaderShape[] {
  const common = context.map(constantHeader);
  if (kind !== 'newkey' && kind !== 'oldkey') return common;
  return [{ name: `__debezium.${kind}`, value: 'other key' }, ...common];
}
