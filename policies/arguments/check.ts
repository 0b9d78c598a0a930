/**
 * A value against a plan: JSON Schema 2020-12, own members only, stopping at the first thing that does not fit, within a
 * budget of work. What it found is kept as names and words of the schema, never as a value.
 */
import { canonicalJson } from '../../core/json.ts';
import type { AllowedValues, Plan } from './plan.ts';

/** Units of 10 to 50 ns; what cannot be bounded by the schema alone, since it grows with the arguments. */
export const MAX_WORK = 300_000;
/** RE2's time is text x program; an ordinary pattern takes so many units for a character. */
const WORK_PER_CHAR = 4;
const ORDINARY_PROGRAM = 64;

export class OverBudget extends Error {
  override readonly name = 'OverBudget';
}

export interface Failure {
  readonly keyword: string;
  /** What the schema says there, or the name of the member that it is about. */
  readonly detail: unknown;
  /** Members and positions that lead there, innermost first. */
  readonly path: (string | number)[];
}

type Members = Record<string, unknown>;

/** What has been looked at of one value, for `unevaluatedProperties` and `unevaluatedItems`. */
class Seen {
  readonly members = new Set<string>();
  readonly items = new Set<number>();
}

/** One check: made for each call, thrown away after it. */
export class Check {
  #left = MAX_WORK;
  failure: Failure | undefined;

  /** @throws OverBudget, and RangeError where a value and its schema are too deep for the stack */
  fits(plan: Plan, value: unknown): boolean {
    return this.#apply(plan, value, undefined);
  }

  #spend(work: number): void {
    this.#left -= work;
    if (this.#left < 0) throw new OverBudget('the work is more than one check may do');
  }

  #fail(keyword: string, detail?: unknown): false {
    this.failure = { keyword, detail, path: [] };
    return false;
  }

  /** @param outer what has been looked at, where somebody asks */
  #apply(plan: Plan, value: unknown, outer: Seen | undefined): boolean {
    this.#spend(1);
    if (plan.isNever) return this.#fail('never');
    if (plan.types !== undefined && !plan.types.some((type) => isOfType(type, value))) return this.#fail('type', plan.types);
    for (const allowed of plan.allowed) if (!this.#isAllowed(allowed, value)) return this.#fail(allowed.keyword, allowed.shown);
    const isArray = Array.isArray(value);
    const isObject = typeof value === 'object' && value !== null && !isArray;
    const asks = (isObject && plan.unevaluatedProperties !== undefined) || (isArray && plan.unevaluatedItems !== undefined);
    const seen = asks || (outer !== undefined && (isObject || isArray)) ? new Seen() : undefined;
    if (typeof value === 'number') {
      if (plan.numbers.length > 0 && !this.#number(plan, value)) return false;
    } else if (typeof value === 'string') {
      if (plan.hasStringWords && !this.#text(plan, value)) return false;
    } else if (isArray) {
      if (!this.#items(plan, value, seen)) return false;
    } else if (isObject && !this.#members(plan, value as Members, seen)) return false;
    if (!this.#combinations(plan, value, seen)) return false;
    if (seen === undefined) return true;
    if (asks && !this.#unevaluated(plan, value as Members | unknown[], seen)) return false;
    if (outer !== undefined) this.#add(outer, seen);
    return true;
  }

  #add(outer: Seen, seen: Seen): void {
    this.#spend(seen.members.size + seen.items.size);
    for (const name of seen.members) outer.members.add(name);
    for (const index of seen.items) outer.items.add(index);
  }

  /** A part of the value, whose place is said where it does not fit. */
  #part(plan: Plan, value: unknown, key: string | number): boolean {
    if (this.#apply(plan, value, undefined)) return true;
    this.failure?.path.push(key);
    return false;
  }

  #isAllowed({ primitives, texts }: AllowedValues, value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return primitives.has(value);
    return texts.size > 0 && texts.has(this.#canonical(value));
  }

  #canonical(value: unknown): string {
    const text = canonicalJson(value);
    this.#spend(10 + text.length);
    return text;
  }

  #number({ numbers }: Plan, value: number): boolean {
    for (const [keyword, bound] of numbers) if (!isWithin(keyword, bound, value)) return this.#fail(keyword, bound);
    return true;
  }

  #text({ minLength, maxLength, pattern, format }: Plan, text: string): boolean {
    this.#spend(2);
    // A character has one or two UTF-16 units, so that only texts in between are counted.
    if (minLength > 0 && (text.length < minLength || (text.length < 2 * minLength && this.#characters(text) < minLength))) return this.#fail('minLength', minLength);
    if (text.length > maxLength && (text.length > 2 * maxLength || this.#characters(text) > maxLength)) return this.#fail('maxLength', maxLength);
    if (format !== undefined && !format.test(text)) return this.#fail('format', format.name);
    const compiled = pattern?.compiled();
    if (compiled === undefined) return true;
    this.#spend(text.length * WORK_PER_CHAR * Math.max(1, compiled.programSize() / ORDINARY_PROGRAM));
    return compiled.test(text) || this.#fail('pattern', pattern?.source);
  }

  #characters(text: string): number {
    this.#spend(text.length / 8);
    let count = 0;
    for (let at = 0; at < text.length; at++, count++) if ((text.codePointAt(at) as number) > 0xffff) at++;
    return count;
  }

  #items(plan: Plan, items: readonly unknown[], seen: Seen | undefined): boolean {
    const { minItems, maxItems, prefixItems, items: rest, contains } = plan;
    if (items.length < minItems) return this.#fail('minItems', minItems);
    if (items.length > maxItems) return this.#fail('maxItems', maxItems);
    if (plan.uniqueItems && new Set(items.map((item) => this.#canonical(item))).size < items.length) return this.#fail('uniqueItems');
    const looked = rest === undefined ? Math.min(prefixItems.length, items.length) : items.length;
    for (let at = 0; at < looked; at++) {
      if (!this.#part(prefixItems[at] ?? (rest as Plan), items[at], at)) return false;
      seen?.items.add(at);
    }
    if (contains === undefined) return true;
    let found = 0;
    for (const [at, item] of items.entries()) {
      if (!this.#apply(contains.plan, item, undefined)) continue;
      found++;
      seen?.items.add(at);
    }
    if (found < contains.min) return this.#fail('contains', contains.min);
    return found <= contains.max || this.#fail('maxContains', contains.max);
  }

  #members(plan: Plan, value: Members, seen: Seen | undefined): boolean {
    for (const name of plan.required) {
      this.#spend(1);
      if (!Object.hasOwn(value, name)) return this.#fail('required', name);
    }
    for (const [name, needs] of plan.dependentRequired) {
      if (!Object.hasOwn(value, name)) continue;
      for (const need of needs) if (!Object.hasOwn(value, need)) return this.#fail('required', need);
    }
    if (plan.minProperties > 0 || plan.maxProperties < Infinity) {
      const { length } = Object.keys(value);
      if (length < plan.minProperties) return this.#fail('minProperties', plan.minProperties);
      if (length > plan.maxProperties) return this.#fail('maxProperties', plan.maxProperties);
    }
    if (!plan.looksAtMembers) return true;
    for (const name of Object.keys(value)) if (!this.#member(plan, name, value[name], seen)) return false;
    return true;
  }

  #member(plan: Plan, name: string, value: unknown, seen: Seen | undefined): boolean {
    this.#spend(1);
    if (plan.propertyNames !== undefined && !this.#apply(plan.propertyNames, name, undefined)) return this.#fail('propertyNames', name);
    const named = plan.properties.get(name);
    let isNamed = named !== undefined;
    if (named !== undefined && !this.#part(named, value, name)) return false;
    for (const [pattern, inner] of plan.patternProperties) {
      this.#spend(2 + name.length * WORK_PER_CHAR * Math.max(1, pattern.programSize() / ORDINARY_PROGRAM));
      if (!pattern.test(name)) continue;
      isNamed = true;
      if (!this.#part(inner, value, name)) return false;
    }
    if (!isNamed && plan.additionalProperties !== undefined) {
      if (plan.additionalProperties.isNever) return this.#fail('additionalProperties', name);
      isNamed = true;
      if (!this.#part(plan.additionalProperties, value, name)) return false;
    }
    if (isNamed) seen?.members.add(name);
    return true;
  }

  #combinations(plan: Plan, value: unknown, seen: Seen | undefined): boolean {
    for (const inner of plan.all) if (!this.#apply(inner, value, seen)) return false;
    if (plan.any.length > 0 && !this.#any(plan.any, value, seen)) return false;
    if (plan.one.length > 0 && !this.#one(plan.one, value, seen)) return false;
    if (plan.not !== undefined && this.#apply(plan.not, value, undefined)) return this.#fail('not');
    const { condition } = plan;
    if (condition !== undefined) {
      const branch = this.#apply(condition.test, value, seen) ? condition.pass : condition.fail;
      if (branch !== undefined && !this.#apply(branch, value, seen)) return false;
    }
    if (plan.dependentSchemas.length === 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return true;
    for (const [name, inner] of plan.dependentSchemas) if (Object.hasOwn(value, name) && !this.#apply(inner, value, seen)) return false;
    return true;
  }

  /** Where somebody asks what was looked at, each alternative has its say (2020-12 core, 11). */
  #any(plans: readonly Plan[], value: unknown, seen: Seen | undefined): boolean {
    const nearest = new Nearest();
    let fits = false;
    for (const plan of plans) {
      if (this.#apply(plan, value, seen)) {
        if (seen === undefined) return true;
        fits = true;
      } else nearest.add(this.failure);
    }
    return fits || this.#failAs(nearest, 'anyOf');
  }

  #one(plans: readonly Plan[], value: unknown, seen: Seen | undefined): boolean {
    const nearest = new Nearest();
    let fits = 0;
    for (const plan of plans) {
      if (!this.#apply(plan, value, seen)) nearest.add(this.failure);
      else if (++fits > 1) return this.#fail('oneOf', 'several');
    }
    return fits === 1 || this.#failAs(nearest, 'oneOf');
  }

  #failAs(nearest: Nearest, keyword: string): false {
    this.#fail(keyword);
    this.failure = nearest.only ?? this.failure;
    return false;
  }

  #unevaluated(plan: Plan, value: Members | unknown[], seen: Seen): boolean {
    const rest = Array.isArray(value) ? plan.unevaluatedItems : plan.unevaluatedProperties;
    if (rest === undefined) return true;
    if (Array.isArray(value)) {
      for (const [at, item] of value.entries()) {
        if (seen.items.has(at)) continue;
        if (!this.#part(rest, item, at)) return false;
        seen.items.add(at);
      }
      return true;
    }
    for (const name of Object.keys(value)) {
      if (seen.members.has(name)) continue;
      if (rest.isNever) return this.#fail('unevaluatedProperties', name);
      if (!this.#part(rest, value[name], name)) return false;
      seen.members.add(name);
    }
    return true;
  }
}

/** Of alternatives that all failed, the one that was meant: the only one whose kind of value was right. */
class Nearest {
  #candidates = 0;
  #failure: Failure | undefined;

  add(failure: Failure | undefined): void {
    if (failure === undefined || (failure.path.length === 0 && (failure.keyword === 'type' || failure.keyword === 'const' || failure.keyword === 'enum'))) return;
    this.#candidates++;
    this.#failure = failure;
  }

  get only(): Failure | undefined {
    return this.#candidates === 1 ? this.#failure : undefined;
  }
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'integer':
      // What is beyond a double came as digits or with an exponent, and is whole.
      return typeof value === 'number' && (Number.isInteger(value) || !Number.isFinite(value));
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

/** Decimal fractions are not exact in binary: 0.07 is a multiple of 0.01 all the same. */
const MULTIPLE_TOLERANCE = 1e-9;

function isWithin(keyword: string, bound: number, value: number): boolean {
  switch (keyword) {
    case 'minimum':
      return value >= bound;
    case 'maximum':
      return value <= bound;
    case 'exclusiveMinimum':
      return value > bound;
    case 'exclusiveMaximum':
      return value < bound;
    default: {
      const times = value / bound;
      return !Number.isFinite(times) || Math.abs(Math.round(times) - times) <= MULTIPLE_TOLERANCE;
    }
  }
}
