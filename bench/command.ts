/** What the commands of this folder share: flags that are checked, errors of a few lines, exit codes as everywhere. */
import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../runtime/src/base/durations.ts';

/** A command that is started as `npm run NAME -- …`. */
export function benchCommand(name: string, description: string): Command {
  return new Command(`npm run ${name} --`)
    .description(description)
    .showHelpAfterError('(--help lists what there is)')
    .exitOverride();
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError('It must be a whole number from 1.');
  return number;
}

export function fraction(text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0 && number <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return number;
}

export function instant(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a time such as 2015-07-14T23:59:10Z.');
  return ms;
}

/** A duration such as `4s`, kept as text. */
export function durationText(text: string): string {
  try {
    parseDuration(text, 'value');
    return text;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/^value: /, ''));
  }
}

/** A list such as `q0,q5`, of these names or of any. */
export function listOf(names?: readonly string[]): (text: string) => string[] {
  return (text) => {
    const list = text.split(',').filter((each) => each !== '');
    const unknown = list.find((each) => names?.includes(each) === false);
    if (unknown !== undefined)
      throw new InvalidArgumentError(`There is no ${unknown}; there are ${names?.join(', ')}.`);
    return list;
  };
}
