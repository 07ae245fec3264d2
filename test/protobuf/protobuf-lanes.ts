/** Owns which cases of the corpus are replayed in Protobuf by every run: dates, defaults, maps, messages, and arrays that it cannot hold. */
export const SHORT_LANE: readonly string[] = ['temporal', 'defaults', 'hstore-map-key', 'messages', 'arrays'];
