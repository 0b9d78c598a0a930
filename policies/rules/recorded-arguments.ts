/**
 * Arguments as a record holds them, for conditions: what redaction took out cannot be read without being noticed, even
 * where CEL itself would pass over the error (`x || true`, `has`, optionals).
 */
import { isJsonObject, type JsonObject, type JsonValue } from '../../core/json.ts';
import { isAltered, isCutList, MORE_MEMBERS } from '../redact/marks.ts';
import { convert, viewArguments, type ArgumentsView } from './view.ts';

export interface RecordedArguments {
  readonly view: ArgumentsView;
  /** Nothing is missing: the arguments are those of the call. */
  readonly isWhole: boolean;
  /** Whether something that is missing was read since the last time that this was asked. */
  takeTouched(): boolean;
}

/** @param bytes size of the arguments as they were; a bound on their values and characters where not all are there */
export function recordedArguments(args: JsonObject | undefined, bytes: number | undefined): RecordedArguments {
  if (args !== undefined && !isAlteredWithin(args)) return { view: viewArguments(args), isWhole: true, takeTouched: () => false };
  let touched = false;
  const touch = (): never => {
    touched = true;
    throw new Error('this argument was not recorded');
  };
  const value = args === undefined ? openMap(new Map(), new Set(), touch) : withHidden(args, touch);
  const bound = bytes ?? Infinity;
  return {
    view: { value, nodes: bound, chars: bound },
    isWhole: false,
    takeTouched() {
      const was = touched;
      touched = false;
      return was;
    },
  };
}

function isAlteredWithin(value: JsonValue): boolean {
  if (typeof value === 'string') return isAltered(value);
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return false;
  if (Array.isArray(value)) return isCutList(value) || value.some(isAlteredWithin);
  return hasUnknownMembers(value) || Object.values(value).some(isAlteredWithin);
}

const hasUnknownMembers = (object: JsonObject): boolean => Object.keys(object).some((name) => name === MORE_MEMBERS || isAltered(name));

/** A value that stands as it is hides nothing at its own level; what hides as a whole is hidden by what holds it. */
const isHidden = (value: JsonValue): boolean => (typeof value === 'string' ? isAltered(value) : Array.isArray(value) && isCutList(value));

function withHidden(value: JsonValue, touch: () => never): unknown {
  if (!isAlteredWithin(value)) return convert(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => (isHidden(item) ? undefined : withHidden(item, touch)));
    for (const [at, item] of value.entries()) if (isHidden(item)) Object.defineProperty(items, at, { get: touch, enumerable: true });
    return items;
  }
  if (!isJsonObject(value)) return touch();
  const map = new Map<string, unknown>();
  const hidden = new Set<string>();
  for (const name of Object.keys(value)) {
    const member = value[name] as JsonValue;
    if (isHidden(member)) hidden.add(name);
    map.set(name, isHidden(member) ? undefined : withHidden(member, touch));
  }
  return hasUnknownMembers(value) ? openMap(map, hidden, touch) : closedMap(map, hidden, touch);
}

/** Its names are all known; some values are not. */
function closedMap(map: Map<string, unknown>, hidden: ReadonlySet<string>, touch: () => never): Map<string, unknown> {
  const inAll = hidden.size > 0 ? touch : undefined;
  return guarded(map, {
    get: (name: string) => (hidden.has(name) ? touch() : Map.prototype.get.call(map, name)),
    ...(inAll === undefined ? {} : { [Symbol.iterator]: inAll, values: inAll, forEach: inAll }),
  });
}

/** It had further members, of which nothing is known. */
function openMap(map: Map<string, unknown>, hidden: ReadonlySet<string>, touch: () => never): Map<string, unknown> {
  const known = (name: string): boolean => Map.prototype.has.call(map, name) && name !== MORE_MEMBERS && !isAltered(name) && !hidden.has(name);
  guarded(map, {
    get: (name: string) => (known(name) ? Map.prototype.get.call(map, name) : touch()),
    has: (name: string) => known(name) || touch(),
    keys: touch,
    values: touch,
    forEach: touch,
    [Symbol.iterator]: touch,
  });
  return Object.defineProperty(map, 'size', { get: touch });
}

/** Members of its own, as `convert` gives them, so that cel-js still takes it for a plain map. */
function guarded(map: Map<string, unknown>, members: object): Map<string, unknown> {
  for (const name of Reflect.ownKeys(members)) Object.defineProperty(map, name, { value: (members as Record<PropertyKey, unknown>)[name] });
  const nothing = new Map<string, unknown>();
  return Object.defineProperty(map, 'entries', { value: () => nothing.entries() });
}
