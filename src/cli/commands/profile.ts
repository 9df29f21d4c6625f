/** `advisor profile`: what a file of events says about rate, order, lateness and keys, and the answers that follow. */
import process from 'node:process';
import { columnsOf, measureEvents, paint } from 'pipeline-runtime/kit';
import { profileAnswers, profileText } from '../../advisor/print/profile-text.ts';
import { profileOf } from '../../advisor/profile.ts';
import { writeOutput } from '../output.ts';

export interface ProfileFlags {
  readonly eventTime: string;
  readonly arrivalTime?: string;
  readonly key?: string;
  readonly format: 'text' | 'json';
  readonly output?: string;
  readonly write?: string;
}

export async function runProfile(file: string, flags: ProfileFlags): Promise<void> {
  const { eventTime, arrivalTime, key, format, output, write } = flags;
  const shows = process.stderr.isTTY;
  const measures = await measureEvents(file, {
    eventTime,
    ...(arrivalTime !== undefined && { arrivalTime }),
    ...(key !== undefined && { key }),
    ...(shows && {
      onProgress: (events: number) => process.stderr.write(`\r${events.toLocaleString('en-US')} events …`),
    }),
  });
  if (shows) process.stderr.write('\r\u001b[K');
  const profile = profileOf(measures);
  if (write !== undefined) writeOutput(write, profileAnswers(profile, file));
  const stream = output === undefined ? process.stdout : ({ isTTY: false } as NodeJS.WriteStream);
  const text =
    format === 'json'
      ? `${JSON.stringify(profile, null, 2)}\n`
      : profileText(profile, columnsOf(stream), paint(stream));
  writeOutput(output, text);
}
