/** Every recorded case, on every server that it is for. */
import { corpusGroups, describeCorpusFrames } from './corpus-frames.ts';

describeCorpusFrames(corpusGroups(), [18, 14, 'postgis', 'pgvector']);
