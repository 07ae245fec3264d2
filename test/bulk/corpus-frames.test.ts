/** Cases that between them have every kind of frame. All of them: corpus-frames.all.test.ts. */
import { corpusGroups, describeCorpusFrames } from './corpus-frames.ts';

const SHORT_LANE: ReadonlySet<string> = new Set([
  ...['basics', 'ddl', 'toast', 'truncate', 'messages', 'partitioned-via-root', 'transaction-origin', 'key-change', 'replica-identity'],
]);

describeCorpusFrames(
  corpusGroups().filter(({ name }) => SHORT_LANE.has(name)),
  [18],
);
