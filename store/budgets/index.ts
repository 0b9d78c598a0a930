/** What budgets need of the store: bookings read back from the ledger, and a snapshot that shortens the reading. */
export { openBookings, type BookingReader, type LedgerPoint } from './bookings.ts';
export { readBudgetSnapshot, writeBudgetSnapshot, type BudgetSnapshot } from './snapshot.ts';
