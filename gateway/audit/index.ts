/** Asking the ledger, for the commands and for the admin API. */
export { createSearchKeeper, SearchUnavailable, type SearchKeeper } from './keeper.ts';
export { FILTER_NAMES, readFilter, type FilterWords } from './filter.ts';
