/** Frames of pgoutput by hand, as the server writes them. Source: PostgreSQL manual, "Logical Replication Message Formats". */

export const FRAME_OID = 5;

type Commit = { readonly commitLsn: number; readonly xid?: number };

/** 'B' Int64 final LSN, Int64 commit time, Int32 xid. */
export function beginFrame({ commitLsn, xid = 77 }: Commit): Buffer {
  const bytes = Buffer.alloc(21);
  bytes.write('B');
  bytes.writeBigInt64BE(BigInt(commitLsn), 1);
  bytes.writeInt32BE(xid, 17);
  return bytes;
}

/** 'C' Int8 flags, Int64 commit LSN, Int64 end LSN, Int64 time. */
export function commitFrame({ commitLsn, endLsn }: { readonly commitLsn: number; readonly endLsn: number }): Buffer {
  const bytes = Buffer.alloc(26);
  bytes.write('C');
  bytes.writeBigInt64BE(BigInt(commitLsn), 2);
  bytes.writeBigInt64BE(BigInt(endLsn), 10);
  return bytes;
}

/** 'I' Int32 relation, 'N' Int16 count, 't' Int32 length, bytes. */
export function insertFrame(text: string, oid = FRAME_OID): Buffer {
  const bytes = Buffer.alloc(13 + text.length);
  bytes.write('I');
  bytes.writeInt32BE(oid, 1);
  bytes.write('N', 5);
  bytes.writeInt16BE(1, 6);
  bytes.write('t', 8);
  bytes.writeInt32BE(text.length, 9);
  bytes.write(text, 13);
  return bytes;
}

/** 'T' Int32 count, Int8 options, Int32 relation each, from FRAME_OID on. */
export function truncateFrame(tables: number): Buffer {
  const bytes = Buffer.alloc(6 + 4 * tables);
  bytes.write('T');
  bytes.writeInt32BE(tables, 1);
  for (let i = 0; i < tables; i++) bytes.writeInt32BE(FRAME_OID + i, 6 + 4 * i);
  return bytes;
}
