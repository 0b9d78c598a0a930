/** Asking the ledger: the index beside it, and a record as it lies there. */
export { openSearch, type SearchIndex } from './search.ts';
export { SEARCH_FILE } from './schema.ts';
export { parseBody as parseRecordBody, question as searchQuestion } from './text.ts';
export type { SearchOutcome } from './entry.ts';
export type { SearchEntry, SearchFilter, SearchPage } from './filter.ts';
export type { UpdateProgress } from './update.ts';
export { readChecked, type CheckedRecord } from './record.ts';
