/** Words that the functions of the machine code have in common (see scanner-machine.ts). */
import * as A from './scanner-assembler.ts';
import { STATE } from './scanner-layout.ts';

export const state = (field: keyof typeof STATE): A.Code => A.load(0, STATE[field]);
export const stateF = (field: keyof typeof STATE): A.Code => A.loadF(0, STATE[field]);
export const setState = (field: keyof typeof STATE, value: A.Arg): A.Code => A.store(0, STATE[field], value);
export const setStateF = (field: keyof typeof STATE, value: A.Arg): A.Code =>
  A.storeF(0, STATE[field], value);
/** Moves an address on. */
export const move = (local: A.Local, by: number): A.Code => A.set(local, A.add(local, by));
export const QUOTE = 34;

/** Gives that something could not be read. */
export const failed = A.give(-1);
export const isDigit = (at: A.Arg, offset = 0): A.Code => A.ltU(A.sub(A.loadByte(at, offset), 48), 10);
/** Four bytes of text, as they are read from memory. */
export const word = (text: string): number => Buffer.from(text).readInt32LE();
