export { createBudgetKeeper, type BudgetKeeper, type KeeperOptions } from './keeper.ts';
