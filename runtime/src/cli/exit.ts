import process from 'node:process';
import { CommanderError, type Command } from 'commander';
import { CodedError } from '../base/coded-error.ts';
import { paint } from './terminal.ts';

export const EXIT = { done: 0, failed: 1, usage: 2, check: 3, interrupted: 130 } as const;

/**
 * Runs a command line to its end and sets the exit code: 0 done, 1 failed, 2 usage or input, 3 a check does not hold,
 * 130 interrupted. Errors are a few lines on stderr; a stack trace only with DEBUG=1.
 */
export async function runProgram(program: Command, argv: readonly string[] = process.argv): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    throw error;
  });
  quotePlainly(program);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** What commander says itself quotes the command line, too. */
function quotePlainly(command: Command): void {
  command.configureOutput({ outputError: (text, write) => write(printable(text)) });
  command.commands.forEach(quotePlainly);
}

/** Prints an error for a person and returns the exit code it stands for. */
export function report(error: unknown): number {
  if (error instanceof CommanderError) {
    const shown = ['commander.helpDisplayed', 'commander.version', 'commander.help'].includes(error.code);
    return shown && error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  if (isInterrupt(error)) {
    process.stderr.write('interrupted\n');
    return EXIT.interrupted;
  }
  const label = paint(process.stderr).red('error');
  if (error instanceof CodedError) {
    process.stderr.write(`${label} ${printable(error.message)}\n`);
    if (process.env['DEBUG'] === '1') process.stderr.write(`${error.code}\n${error.stack ?? ''}\n`);
    return error.exitCode;
  }
  const known = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(`${label} ${printable(known.message)}\n`);
  if (process.env['DEBUG'] === '1') process.stderr.write(`${known.stack ?? ''}\n`);
  else process.stderr.write('This is not an error we expected. DEBUG=1 shows where it happened.\n');
  return EXIT.failed;
}

/** A message quotes what a stranger wrote: it must not move the cursor or colour the screen. */
function printable(message: string): string {
  return message.replaceAll(/[^\P{Cc}\n\t]/gu, '\uFFFD');
}

function isInterrupt(error: unknown): boolean {
  return error instanceof Error && (error.name === 'ExitPromptError' || error.name === 'AbortError');
}
