/** Machine code that reads numbers and times (see scanner-machine.ts). */
import * as A from './scanner-assembler.ts';
import { LEAF, POWERS } from './scanner-layout.ts';
import { failed, isDigit, move, QUOTE, word } from './scanner-words.ts';

const {
  add,
  and,
  block,
  brIf,
  eq,
  give,
  gtS,
  gtU,
  load,
  loadByte,
  loop,
  ltU,
  ne,
  not,
  or,
  set,
  sub,
  tee,
  when,
  br,
} = A;
type Local = A.Local;

/** A whole number of up to 2^53 - 1, written with nothing but digits. */
export function defineInteger(asm: A.Assembler): void {
  asm.define('integer', ['i32', 'i32'], ([at, cell], local) => {
    const [first, digit, isNegative, value] = local('i32', 'i32', 'i32', 'i64');
    return [
      set(at, add(at, tee(isNegative, eq(loadByte(at), 45)))),
      when(not(ltU(tee(digit, sub(loadByte(at), 48)), 10)), [failed]),
      set(first, at),
      set(value, A.widen(digit)),
      when(and(not(digit), isDigit(at, 1)), [failed]),
      block(
        'behind',
        loop(
          'more',
          move(at, 1),
          brIf('behind', not(ltU(tee(digit, sub(loadByte(at), 48)), 10))),
          set(value, A.add64(A.mul64(value, A.const64(10)), A.widen(digit))),
          br('more'),
        ),
      ),
      // More than sixteen digits may have overflown. A point or an exponent behind them is the beginning of no step.
      when(gtS(sub(at, first), 16), [failed]),
      when(A.gt64(value, A.const64(Number.MAX_SAFE_INTEGER)), [failed]),
      A.storeF(cell, 0, signed(isNegative, A.toDouble64(value))),
      at,
    ];
  });
}

/** Never -0, as in decodeEvent. */
const signed = (isNegative: Local, value: A.Arg): A.Code =>
  A.choose(A.subF(A.constF(0), value), value, isNegative);

/** Up to fifteen digits and their power of ten are exact, so that the quotient is rounded once. */
export function defineDouble(asm: A.Assembler): void {
  asm.define('double', ['i32', 'i32'], ([from, cell], local) => {
    const [at, digit, isNegative, digits, point, value] = local('i32', 'i32', 'i32', 'i32', 'i32', 'i64');
    const [number] = local('f64');
    const read = (label: string): A.Code =>
      loop(
        label,
        set(value, A.add64(A.mul64(value, A.const64(10)), A.widen(digit))),
        move(digits, 1),
        move(at, 1),
        brIf(label, ltU(tee(digit, sub(loadByte(at), 48)), 10)),
      );
    return [
      set(at, add(from, tee(isNegative, eq(loadByte(from), 45)))),
      when(not(ltU(tee(digit, sub(loadByte(at), 48)), 10)), [failed]),
      when(and(not(digit), isDigit(at, 1)), [failed]),
      read('whole'),
      when(eq(digit, 46 - 48), [
        set(point, digits),
        move(at, 1),
        when(not(ltU(tee(digit, sub(loadByte(at), 48)), 10)), [failed]),
        read('fraction'),
        set(point, sub(digits, point)),
      ]),
      when(or(gtS(digits, 15), eq(or(add(digit, 48), 32), 101)), [give(asm.call('number', from, cell))]),
      set(number, A.divF(A.toDouble64(value), A.loadF(A.shl(point, 3), POWERS))),
      A.storeF(cell, 0, signed(isNegative, number)),
      at,
    ];
  });
}

export function defineBoolean(asm: A.Assembler): void {
  asm.define('boolean', ['i32', 'i32'], ([at, cell]) => [
    when(eq(load(at), word('true')), [A.storeByte(cell, 0, 1), give(add(at, 4))]),
    A.storeByte(cell, 0, 0),
    A.choose(add(at, 5), -1, and(eq(load(at), word('fals')), eq(loadByte(at, 4), 101))),
  ]);
}

/** `"yyyy-MM-dd HH:mm:ss[.SSS]"` for SQL, `"yyyy-MM-ddTHH:mm:ss[.SSS]Z"` for ISO; others are read by the judge. */
export function defineTime(asm: A.Assembler): void {
  asm.define('time', ['i32', 'i32', 'i32', 'i32'], ([at, leaf, cell, isSql], local) => {
    const [end, a, b, c, ms] = local('i32', 'i32', 'i32', 'i32', 'i32');
    const digit = (to: Local, from: Local, offset: number): A.Code =>
      gtU(tee(to, sub(loadByte(from, offset), 48)), 9);
    return [
      when(ne(loadByte(at), QUOTE), [failed]),
      block(
        'other',
        when(ne(A.bitsOf(A.equalBytes(A.loadV(at, 1), A.loadV(leaf, LEAF.minuteBytes))), 0xffff), [
          brIf('other', not(asm.call('minute', at, load(leaf, LEAF.number)))),
        ]),
        brIf('other', ne(loadByte(at, 17), 58)),
        brIf('other', or(gtU(tee(a, sub(loadByte(at, 18), 48)), 5), digit(b, at, 19))),
        set(ms, A.mul(add(A.mul(a, 10), b), 1000)),
        set(end, add(at, 20)),
        when(eq(loadByte(end), 46), [
          brIf('other', or(digit(a, end, 1), or(digit(b, end, 2), digit(c, end, 3)))),
          set(ms, add(ms, add(A.mul(add(A.mul(a, 10), b), 10), c))),
          move(end, 4),
        ]),
        when(not(isSql), [brIf('other', ne(loadByte(end), 90)), move(end, 1)]),
        brIf('other', ne(loadByte(end), QUOTE)),
        A.storeF(cell, 0, A.addF(A.loadF(leaf, LEAF.minute), A.toDouble(ms))),
        give(add(end, 1)),
      ),
      asm.call('other', at, load(leaf, LEAF.number)),
    ];
  });
}
