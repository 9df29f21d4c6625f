import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FILE_FORMATS } from '../../../runtime/src/config/sinks.ts';
import { realDisk } from '../../../runtime/src/ports/disk.ts';
import { FileSink } from '../../../runtime/src/sinks/files/file-sink.ts';
import { sinkSuite } from '../../suites/sink.suite.ts';
import { readRows } from './read-files.ts';

for (const format of FILE_FORMATS) {
  sinkSuite(`files as ${format}`, (view) => {
    const root = mkdtempSync(join(tmpdir(), 'sink-'));
    const folder = join(root, 'out');
    const { name } = view.layout.view;
    const options = { folder, format, partition: undefined, disk: realDisk, pipeline: 'things', sink: 's' };
    return Promise.resolve({
      open: () => new FileSink({ ...options, view: name }),
      content: (of) => readRows(folder, of.layout.columns),
      remove: () => Promise.resolve(rmSync(root, { recursive: true, force: true })),
    });
  });
}
