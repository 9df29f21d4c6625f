/**
 * The scanner's machine code: reads lines of known shape into cells, sixteen bytes at a time, and stops at the first that
 * surprises it. Its tables are laid out in scanner-layout.ts; it is the same for all plans and made once.
 *
 *   step ─► SKIP the value │ read it into its cell │ END: the row is complete, or not wanted
 *     ╰──── guess ────╯
 *
 * Functions that read take where to begin and give where the value ended, or -1 for anything that is not JSON, or that is
 * left to the judge. REQUIRES that a line feed ends the bytes, and that 64 more can be read behind it.
 */
import { EVENT_BYTES_MAX } from '../../data/line.ts';
import * as A from './scanner-assembler.ts';
import {
  BOOLEAN,
  DOUBLE,
  END,
  INTEGER,
  ISO_TIME,
  LEAF,
  NO_TIME,
  SKIP,
  SQL_TIME,
  type STATE,
  STEP,
  TEXT,
} from './scanner-layout.ts';
import { defineBoolean, defineDouble, defineInteger, defineTime } from './scanner-numbers.ts';
import type { Helpers } from './scanner-program.ts';
import { defineAmong, defineDecode, defineSkipping, defineText } from './scanner-strings.ts';
import { failed, move, setState, setStateF, state, stateF, word } from './scanner-words.ts';

const {
  add,
  and,
  block,
  br,
  brIf,
  eq,
  give,
  gtS,
  load,
  loadByte,
  loop,
  ltS,
  ltU,
  ne,
  not,
  or,
  set,
  store,
  sub,
  tee,
  when,
} = A;

/** As much of WebAssembly as is used here; the types of Node leave it to those of browsers. */
interface Wasm {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly env: Readonly<Record<string, unknown>> },
  ) => { readonly exports: unknown };
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly validate: (bytes: Uint8Array) => boolean;
}

let made: { readonly wasm: Wasm; readonly module: object } | null | undefined;

/** The machine, or null where there is none: without WebAssembly or its vectors, or with the bytes of a number reversed. */
function machineHere(): typeof made {
  if (made !== undefined) return made;
  made = null;
  const wasm = (globalThis as { readonly WebAssembly?: Wasm }).WebAssembly;
  const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  if (wasm === undefined || !isLittleEndian) return made;
  const bytes = machine();
  if (wasm.validate(bytes)) made = { wasm, module: new wasm.Module(bytes) };
  return made;
}

/** A memory that the machine code can reach; null where none runs, or no more address space may be had for one. */
export function machineMemory(pages: number): { readonly buffer: ArrayBuffer } | null {
  const here = machineHere() ?? null;
  if (here === null) return null;
  try {
    return new here.wasm.Memory({ initial: pages });
  } catch {
    return null;
  }
}

export interface Exports {
  readonly scan: (start: number) => number;
}

/** REQUIRES a memory of `machineMemory`. */
export function startMachine(memory: object, helpers: Helpers): Exports | null {
  const here = machineHere() ?? null;
  if (here === null) return null;
  return new here.wasm.Instance(here.module, { env: { memory, ...helpers } }).exports as Exports;
}

function machine(): Uint8Array<ArrayBuffer> {
  const asm = new A.Assembler();
  // Behind a run of characters beyond ASCII; behind an escape \u, decoded to the second address; behind any value.
  asm.import('runes', 'i32');
  asm.import('unicode', 'i32', 'i32');
  asm.import('skip', 'i32');
  asm.import('number', 'i32', 'i32');
  asm.import('minute', 'i32', 'i32');
  asm.import('other', 'i32', 'i32');
  asm.import('find', 'i32', 'i32');
  asm.import('forget');
  defineSkipping(asm);
  defineAmong(asm);
  defineDecode(asm);
  defineText(asm);
  defineInteger(asm);
  defineDouble(asm);
  defineTime(asm);
  defineBoolean(asm);
  defineWanted(asm);
  defineValue(asm);
  defineStep(asm);
  defineEnd(asm);
  defineScan(asm);
  return asm.module();
}

/** Whether the value that decides about the line is one of those wanted. */
function defineWanted(asm: A.Assembler): void {
  asm.define('wanted', ['i32', 'i32', 'i32'], ([leaf, n, op], local) => {
    const [texts, at] = local('i32', 'i32');
    const [value] = local('f64');
    const cell = (size: number, column: A.Code): A.Code => add(column, A.shl(n, size));
    return [
      when(tee(texts, state('gateTexts')), [
        give(
          asm.call(
            'among',
            load(cell(2, load(leaf, LEAF.cells))),
            load(cell(2, load(leaf, LEAF.ends))),
            texts,
          ),
        ),
      ]),
      when(
        eq(op, BOOLEAN),
        [set(value, A.toDouble(loadByte(cell(0, load(leaf, LEAF.cells)))))],
        [set(value, A.loadF(cell(3, load(leaf, LEAF.cells))))],
      ),
      set(at, state('gateNumbers')),
      block(
        'none',
        loop(
          'more',
          brIf('none', not(ltU(at, state('gateNumbersEnd')))),
          when(A.eqF(value, A.loadF(at)), [give(1)]),
          move(at, 8),
          br('more'),
        ),
      ),
      0,
    ];
  });
}

/** The value of a leaf, behind a step: into its cell, or null. */
function defineValue(asm: A.Assembler): void {
  asm.define('value', ['i32', 'i32', 'i32'], ([at, step, op], local) => {
    const [key, leaf, n, cell, behind] = local('i32', 'i32', 'i32', 'i32', 'i32');
    const read = (name: string, ...more: readonly A.Arg[]): readonly A.Code[] => [
      set(behind, asm.call(name, at, ...more)),
      br('read'),
    ];
    return [
      when(eq(load(tee(key, load(step, STEP.key))), state('line')), [failed]),
      store(key, 0, state('line')),
      set(leaf, load(step, STEP.leaf)),
      when(eq(loadByte(at), 110), [
        when(or(not(load(leaf, LEAF.isNullable)), ne(load(at), word('null'))), [failed]),
        when(eq(key, state('gate')), [setState('isDropped', 1)]),
        give(add(at, 4)),
      ]),
      set(cell, add(load(leaf, LEAF.cells), A.shl(tee(n, state('n')), 3))),
      block(
        'read',
        when(eq(op, INTEGER), read('integer', cell)),
        when(eq(op, TEXT), read('text', leaf, n)),
        when(or(eq(op, SQL_TIME), eq(op, ISO_TIME)), [
          when(ltS(tee(behind, asm.call('time', at, leaf, cell, eq(op, SQL_TIME))), 0), [failed]),
          brIf('read', not(ltS(load(leaf, LEAF.timeRank), state('timeRank')))),
          setState('timeRank', load(leaf, LEAF.timeRank)),
          setStateF('time', A.loadF(cell)),
          br('read'),
        ]),
        when(eq(op, DOUBLE), read('double', cell)),
        when(eq(op, BOOLEAN), read('boolean', add(load(leaf, LEAF.cells), n))),
        set(behind, asm.call('other', at, load(leaf, LEAF.number))),
      ),
      when(ltS(behind, 0), [failed]),
      A.storeByte(add(load(leaf, LEAF.nulls), n), 0, 0),
      setState('isNullTouched', or(state('isNullTouched'), load(leaf, LEAF.isNullable))),
      setState('missing', sub(state('missing'), load(leaf, LEAF.isRequired))),
      when(eq(key, state('gate')), [when(not(asm.call('wanted', leaf, n, op)), [setState('isDropped', 1)])]),
      behind,
    ];
  });
}

/** The step at `at`, behind the value of another; 0 when there is none. `result` is where it ends. */
function defineStep(asm: A.Assembler): void {
  asm.define('next', ['i32', 'i32'], ([from, before], local) => {
    const [at, step, known, rest, bits, mark] = local('i32', 'i32', 'i32', 'i32', 'i32', 'i32');
    return [
      set(at, from),
      set(step, load(before, STEP.guess)),
      set(known, load(step, STEP.bytes)),
      set(rest, load(step, STEP.length)),
      block(
        'found',
        block(
          'missed',
          loop(
            'compare',
            set(bits, A.bitsOf(A.equalBytes(A.loadV(at), A.loadV(known)))),
            when(A.leS(rest, 16), [
              brIf('missed', ne(and(bits, load(step, STEP.mask)), load(step, STEP.mask))),
              setState('result', add(at, rest)),
              br('found'),
            ]),
            brIf('missed', ne(bits, 0xffff)),
            move(at, 16),
            move(known, 16),
            move(rest, -16),
            br('compare'),
          ),
        ),
        set(step, asm.call('find', from, load(before, STEP.number))),
      ),
      // The objects that it goes into must not have been there before.
      when(step, [
        set(at, load(step, STEP.entered)),
        block(
          'entered',
          loop(
            'more',
            brIf('entered', not(ltU(at, load(step, STEP.enteredEnd)))),
            when(eq(load(tee(mark, load(at))), state('line')), [give(0)]),
            store(mark, 0, state('line')),
            move(at, 4),
            br('more'),
          ),
        ),
      ]),
      step,
    ];
  });
}

/** Completes the row, or leaves it out; 0 when the line has to be judged. */
function defineEnd(asm: A.Assembler): void {
  asm.define('finish', ['i32', 'i32', 'i32'], ([from, at, step], local) => {
    const [n, time] = local('i32', 'f64');
    const cell = (column: keyof typeof STATE, size: number): A.Code => add(state(column), A.shl(n, size));
    const judged = give(0);
    return [
      set(time, stateF('time')),
      when(gtS(sub(sub(at, 1), from), EVENT_BYTES_MAX), [judged]),
      when(state('hasTime'), [
        when(eq(state('timeRank'), NO_TIME), [judged]),
        when(or(A.ltF(time, stateF('timeMin')), A.gtF(time, stateF('timeMax'))), [judged]),
      ]),
      when(state('gate'), [
        when(ne(load(state('gate')), state('line')), [
          when(not(state('gateIsNullable')), [judged]),
          setState('isDropped', 1),
        ]),
      ]),
      when(
        state('isDropped'),
        [when(state('isNullTouched'), [A.drop(asm.call('forget'))])],
        [
          when(state('missing'), [judged]),
          set(n, state('n')),
          store(cell('lineStarts', 2), 0, from),
          store(cell('lineEnds', 2), 0, sub(at, load(step, STEP.tail))),
          A.storeF(cell('ordinals', 3), 0, stateF('events')),
          A.storeF(cell('times', 3), 0, time),
          A.storeF(cell('maxTimesBefore', 3), 0, stateF('maxTime')),
          setState('n', add(n, 1)),
          setState('side', state('sideTo')),
        ],
      ),
      setStateF('events', A.addF(stateF('events'), A.constF(1))),
      when(and(state('hasTime'), A.gtF(time, stateF('maxTime'))), [setStateF('maxTime', time)]),
      1,
    ];
  });
}

/** Reads lines until the batch is full or the bytes are over: 0; or until one has to be judged, at which `at` then is: 1. */
function defineScan(asm: A.Assembler): void {
  asm.define('scan', ['i32'], ([start], local) => {
    const [at, from, step, op] = local('i32', 'i32', 'i32', 'i32');
    const judged = [setState('at', from), give(1)];
    return [
      set(at, state('at')),
      loop(
        'line',
        setState('at', at),
        when(or(A.geS(at, state('to')), A.geS(state('n'), state('rowsMax'))), [give(0)]),
        set(from, at),
        setState('line', add(state('line'), 1)),
        setState('missing', state('required')),
        setState('isDropped', 0),
        setState('isNullTouched', 0),
        setState('sideTo', state('side')),
        setState('timeRank', NO_TIME),
        setStateF('time', A.constF(0)),
        set(step, start),
        loop(
          'step',
          when(not(tee(step, asm.call('next', at, step))), judged),
          set(at, state('result')),
          set(op, load(add(step, A.shl(state('isDropped'), 2)), STEP.op)),
          when(eq(op, SKIP), [
            setState('isUnknownMet', 1),
            brIf('step', gtS(tee(at, asm.call('skipValue', at)), 0)),
            ...judged,
          ]),
          when(A.geS(op, INTEGER), [
            brIf('step', gtS(tee(at, asm.call('value', at, step, op)), 0)),
            ...judged,
          ]),
          when(eq(op, END), [brIf('line', asm.call('finish', from, at, step))]),
          ...judged,
        ),
      ),
      A.unreachable,
    ];
  });
}
