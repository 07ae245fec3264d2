import { describe, expect, it } from 'vitest';
import { dataTopic, deadLetterTopic, heartbeatTopic, messageTopic, sanitizeTopicName, transactionTopic } from './topic.ts';

const NAMING = { prefix: 'p', delimiter: '.' };

describe('topic names', () => {
  it('replace every UTF-16 unit that Kafka does not take by an underscore', () => {
    expect(dataTopic(NAMING, 'My Schema', 'Täble-1.x')).toBe('p.My_Schema.T_ble-1.x');
    expect(dataTopic(NAMING, 'public', 'a😀b')).toBe('p.public.a__b');
  });

  it('have at most 249 characters', () => {
    expect(dataTopic(NAMING, 'public', 'x'.repeat(300))).toHaveLength(249);
  });

  it('leave out a part that is blank', () => {
    expect(dataTopic(NAMING, ' ', 't')).toBe('p.t');
  });

  it('are never . or ..', () => {
    expect(['.', '..', '...'].map(sanitizeTopicName)).toEqual(['_', '__', '...']);
  });

  it('have the configured delimiter, except for messages', () => {
    const naming = { prefix: 'p', delimiter: '-_' };
    expect(dataTopic(naming, 's', 't')).toBe('p-_s-_t');
    expect(transactionTopic(naming, 'transaction')).toBe('p-_transaction');
    expect(heartbeatTopic(naming, { topicPrefix: 'hb', topicName: undefined })).toBe('hb-_p');
    expect(heartbeatTopic(naming, { topicPrefix: 'hb', topicName: 'whole' })).toBe('whole');
    expect(deadLetterTopic(naming, { topicName: undefined })).toBe('p-_dlq');
    expect(deadLetterTopic(naming, { topicName: 'whole' })).toBe('whole');
    expect(messageTopic(naming)).toBe('p.message');
  });
});
