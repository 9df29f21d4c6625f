/** Machine code that reads strings, and goes behind values that nobody reads (see scanner-machine.ts). */
import * as A from './scanner-assembler.ts';
import { ESCAPES, LEAF } from './scanner-layout.ts';
import { failed, isDigit, move, QUOTE, setState, state, word } from './scanner-words.ts';

const {
  add,
  and,
  block,
  br,
  brIf,
  eq,
  give,
  gtS,
  gtU,
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
type Local = A.Local;

const BACKSLASH = 92;

/** Which of sixteen bytes a string may not simply go on with: quotes, backslashes, control characters, beyond ASCII. */
function special(at: Local, bytes: Local): A.Code {
  const quotes = A.equalBytes(tee(bytes, A.loadV(at)), A.constV(QUOTE));
  const backslashes = A.equalBytes(bytes, A.constV(BACKSLASH));
  // Bytes from 128 on are negative.
  return A.bitsOf(A.either(A.either(quotes, backslashes), A.lessBytes(bytes, A.constV(32))));
}

export function defineSkipping(asm: A.Assembler): void {
  asm.define('skipString', ['i32'], ([at], local) => {
    const [bits, byte, bytes] = local('i32', 'i32', 'v128');
    return [
      loop(
        'more',
        when(not(tee(bits, special(at, bytes))), [move(at, 16), br('more')]),
        set(byte, loadByte(tee(at, add(at, A.ctz(bits))))),
        when(eq(byte, QUOTE), [give(add(at, 1))]),
        when(
          eq(byte, BACKSLASH),
          [
            when(loadByte(loadByte(at, 1), ESCAPES), [move(at, 2), br('more')]),
            brIf('more', gtS(tee(at, asm.call('unicode', at, 0)), 0)),
            failed,
          ],
          [when(ltU(byte, 32), [failed]), brIf('more', gtS(tee(at, asm.call('runes', at)), 0)), failed],
        ),
      ),
      A.unreachable,
    ];
  });
  asm.define('skipValue', ['i32'], ([at], local) => {
    const [end, byte, bytes] = local('i32', 'i32', 'i32');
    return [
      when(eq(tee(byte, loadByte(at)), QUOTE), [give(asm.call('skipString', add(at, 1)))]),
      when(ltU(sub(byte, 49), 9), [
        set(end, at),
        loop('digits', brIf('digits', isDigit(tee(end, add(end, 1))))),
        set(byte, loadByte(end)),
        when(or(eq(byte, 44), eq(byte, 125)), [give(end)]),
      ]),
      set(bytes, load(at)),
      when(or(eq(bytes, word('true')), eq(bytes, word('null'))), [give(add(at, 4))]),
      when(and(eq(bytes, word('fals')), eq(loadByte(at, 4), 101)), [give(add(at, 5))]),
      asm.call('skip', at),
    ];
  });
}

/** Whether the text [from, to) is in a list. */
export function defineAmong(asm: A.Assembler): void {
  asm.define('among', ['i32', 'i32', 'i32'], ([from, to, texts], local) => {
    const [end, at, known, length] = local('i32', 'i32', 'i32', 'i32');
    return [
      // How many bytes the list has, then for each text its length and its bytes.
      set(end, add(add(texts, 4), load(texts))),
      move(texts, 4),
      block(
        'none',
        loop(
          'text',
          brIf('none', not(ltU(texts, end))),
          set(length, load(texts)),
          move(texts, 4),
          when(eq(length, sub(to, from)), [
            set(at, from),
            set(known, texts),
            block(
              'other',
              loop(
                'bytes',
                when(eq(at, to), [give(1)]),
                brIf('other', ne(loadByte(at), loadByte(known))),
                move(at, 1),
                move(known, 1),
                br('bytes'),
              ),
            ),
          ]),
          set(texts, add(texts, length)),
          br('text'),
        ),
      ),
      give(0),
      A.unreachable,
    ];
  });
}

/** Decodes a string to where the side ends; gives its closing quote. */
export function defineDecode(asm: A.Assembler): void {
  asm.define('decode', ['i32'], ([at], local) => {
    const [to, limit, bits, byte, rune, bytes] = local('i32', 'i32', 'i32', 'i32', 'i32', 'v128');
    return [
      set(to, state('sideTo')),
      set(limit, sub(state('limit'), 32)),
      loop(
        'more',
        when(gtU(to, limit), [failed]),
        set(bits, special(at, bytes)),
        A.storeV(to, 0, bytes),
        when(not(bits), [move(at, 16), move(to, 16), br('more')]),
        set(to, add(to, tee(bits, A.ctz(bits)))),
        set(byte, loadByte(tee(at, add(at, bits)))),
        when(eq(byte, QUOTE), [setState('result', to), give(at)]),
        when(eq(byte, BACKSLASH), [
          when(tee(byte, loadByte(loadByte(at, 1), ESCAPES)), [
            A.storeByte(to, 0, byte),
            move(to, 1),
            move(at, 2),
            br('more'),
          ]),
          when(ltS(tee(at, asm.call('unicode', at, to)), 0), [failed]),
          set(to, state('result')),
          br('more'),
        ]),
        when(ltU(byte, 32), [failed]),
        // Runs of characters beyond ASCII are long: what follows them is decoded from where they end.
        set(rune, at),
        when(ltS(tee(at, asm.call('runes', at)), 0), [failed]),
        when(gtU(add(to, sub(at, rune)), limit), [failed]),
        loop(
          'copy',
          A.storeByte(to, 0, loadByte(rune)),
          move(to, 1),
          brIf('copy', ltU(tee(rune, add(rune, 1)), at)),
        ),
        br('more'),
      ),
      A.unreachable,
    ];
  });
}

/** A string into [start, end): where it lies, or decoded at the side when it has escapes. */
export function defineText(asm: A.Assembler): void {
  asm.define('text', ['i32', 'i32', 'i32'], ([at, leaf, n], local) => {
    const [start, end, behind, bits, byte, bytes, texts] = local(
      'i32',
      'i32',
      'i32',
      'i32',
      'i32',
      'v128',
      'i32',
    );
    return [
      when(ne(loadByte(at), QUOTE), [failed]),
      set(start, tee(end, add(at, 1))),
      block(
        'there',
        loop(
          'more',
          when(not(tee(bits, special(end, bytes))), [move(end, 16), br('more')]),
          set(byte, loadByte(tee(end, add(end, A.ctz(bits))))),
          when(eq(byte, QUOTE), [set(behind, add(end, 1)), br('there')]),
          when(eq(byte, BACKSLASH), [
            when(ltS(tee(behind, asm.call('decode', start)), 0), [failed]),
            move(behind, 1),
            set(start, state('sideTo')),
            setState('sideTo', tee(end, state('result'))),
            br('there'),
          ]),
          when(ltU(byte, 32), [failed]),
          brIf('more', gtS(tee(end, asm.call('runes', end)), 0)),
          failed,
        ),
      ),
      when(tee(texts, load(leaf, LEAF.texts)), [when(not(asm.call('among', start, end, texts)), [failed])]),
      store(add(load(leaf, LEAF.cells), A.shl(n, 2)), 0, start),
      store(add(load(leaf, LEAF.ends), A.shl(n, 2)), 0, end),
      give(behind),
      A.unreachable,
    ];
  });
}
