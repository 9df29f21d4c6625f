/**
 * Regular expressions by threads side by side: all ways to match advance together, one code point at a time, in the order
 * of their preference, and at most one thread is at each instruction. So the time is the text times the program.
 */
import type { Assertion, Ranges, RegexNode } from './regex-parse.ts';
import { RegexError } from './regex-parse.ts';

type Instruction =
  | { readonly op: 'set'; readonly ranges: Ranges }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'save'; readonly slot: number }
  | { readonly op: 'match' };

const PROGRAM_MAX = 2000;

interface Thread {
  readonly at: number;
  /** Begin and end of each group as indices into the text, -1 for none. */
  readonly slots: readonly number[];
}

/** @throws RegexError when the program is too long. */
export function linearMatcher(
  node: RegexNode,
  groups: number,
): (text: string) => readonly (string | null)[] | null {
  const program: Instruction[] = [];
  emit({ kind: 'group', node, index: 0 }, program);
  program.push({ op: 'match' });
  return (text) => {
    const slots = run(program, text, groups);
    if (slots === null) return null;
    return Array.from({ length: groups + 1 }, (_, group) => {
      const [from = -1, to = -1] = [slots[group * 2], slots[group * 2 + 1]];
      return from < 0 || to < 0 ? null : text.slice(from, to);
    });
  };
}

function emit(node: RegexNode, program: Instruction[]): void {
  if (program.length > PROGRAM_MAX) throw new RegexError('repeats too much: write shorter repetitions');
  switch (node.kind) {
    case 'set':
      program.push({ op: 'set', ranges: node.ranges });
      return;
    case 'assert':
      program.push({ op: 'assert', what: node.what });
      return;
    case 'sequence':
      for (const each of node.nodes) emit(each, program);
      return;
    case 'either':
      emitEither(node.nodes, program);
      return;
    case 'group':
      if (node.index !== null) program.push({ op: 'save', slot: node.index * 2 });
      emit(node.node, program);
      if (node.index !== null) program.push({ op: 'save', slot: node.index * 2 + 1 });
      return;
    case 'repeat':
      for (let time = 0; time < node.min; time++) emit(node.node, program);
      if (node.max === Infinity) emitLoop(node.node, node.lazy, program);
      else emitOptional(node.node, node.max - node.min, node.lazy, program);
  }
}

function emitEither(nodes: readonly RegexNode[], program: Instruction[]): void {
  const jumps: { op: 'jump'; to: number }[] = [];
  for (const [index, each] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(each, program);
      break;
    }
    const split = { op: 'split' as const, first: program.length + 1, second: -1 };
    program.push(split);
    emit(each, program);
    const jump = { op: 'jump' as const, to: -1 };
    jumps.push(jump);
    program.push(jump);
    split.second = program.length;
  }
  for (const jump of jumps) jump.to = program.length;
}

function emitLoop(node: RegexNode, lazy: boolean, program: Instruction[]): void {
  const start = program.length;
  const split = { op: 'split' as const, first: -1, second: -1 };
  program.push(split);
  emit(node, program);
  program.push({ op: 'jump', to: start });
  [split.first, split.second] = lazy ? [program.length, start + 1] : [start + 1, program.length];
}

function emitOptional(node: RegexNode, times: number, lazy: boolean, program: Instruction[]): void {
  const splits: { split: { op: 'split'; first: number; second: number }; body: number }[] = [];
  for (let time = 0; time < times; time++) {
    const split = { op: 'split' as const, first: -1, second: -1 };
    program.push(split);
    splits.push({ split, body: program.length });
    emit(node, program);
  }
  for (const { split, body } of splits)
    [split.first, split.second] = lazy ? [program.length, body] : [body, program.length];
}

function run(program: readonly Instruction[], text: string, groups: number): readonly number[] | null {
  const none: readonly number[] = Array.from({ length: (groups + 1) * 2 }, () => -1);
  const added = new Int32Array(program.length).fill(-1);
  let threads: Thread[] = [];
  let found: readonly number[] | null = null;
  for (let index = 0; ;) {
    // A match that begins here counts less than those that began before.
    if (found === null) add(program, 0, none, text, index, added, threads);
    if (threads.length === 0 && found !== null) return found;
    const point = text.codePointAt(index);
    const next = index + (point === undefined || point <= 0xffff ? 1 : 2);
    const following: Thread[] = [];
    for (const { at, slots } of threads) {
      const instruction = program[at] as Instruction;
      if (instruction.op === 'match') {
        found = slots;
        break;
      }
      if (instruction.op === 'set' && point !== undefined && isIn(instruction.ranges, point))
        add(program, at + 1, slots, text, next, added, following);
    }
    if (point === undefined) return found;
    threads = following;
    index = next;
  }
}

/** Adds the threads that an instruction leads to without reading; `added` holds the index at which each last was added. */
function add(
  program: readonly Instruction[],
  at: number,
  slots: readonly number[],
  text: string,
  index: number,
  added: Int32Array,
  threads: Thread[],
): void {
  if (added[at] === index) return;
  added[at] = index;
  const instruction = program[at] as Instruction;
  switch (instruction.op) {
    case 'jump':
      add(program, instruction.to, slots, text, index, added, threads);
      return;
    case 'split':
      add(program, instruction.first, slots, text, index, added, threads);
      add(program, instruction.second, slots, text, index, added, threads);
      return;
    case 'save':
      add(program, at + 1, slots.with(instruction.slot, index), text, index, added, threads);
      return;
    case 'assert':
      if (holds(instruction.what, text, index)) add(program, at + 1, slots, text, index, added, threads);
      return;
    case 'set':
    case 'match':
      threads.push({ at, slots });
  }
}

function isIn(ranges: Ranges, point: number): boolean {
  for (const [from, to] of ranges) if (point >= from && point <= to) return true;
  return false;
}

function holds(what: Assertion, text: string, index: number): boolean {
  if (what === 'start') return index === 0;
  if (what === 'end') return index === text.length;
  const isBorder = isWord(text.charCodeAt(index - 1)) !== isWord(text.charCodeAt(index));
  return isBorder === (what === 'word');
}

/** Of ASCII; NaN beyond the text is none. */
function isWord(unit: number): boolean {
  return (
    (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122)
  );
}
