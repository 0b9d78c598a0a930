export { createFlowStore } from './flow.ts';
