import { errorsOf, row } from './coded-error.ts';

/** The runtime's error table. Messages carry the values; see `coded-error.ts` for the kinds. */
export const RUNTIME_ERRORS = {
  // Input of every command.
  DURATION_INVALID: row<{ text: string; where: string; hint: string }>(
    'user',
    (p) => `${p.where}: "${p.text}" is not a duration. ${p.hint}`,
  ),
  SIZE_INVALID: row<{ text: string; where: string }>(
    'user',
    (p) =>
      `${p.where}: "${p.text}" is not a size. Say a whole number with a unit: 512B, 64KB, 10MB, 2GB, 1TB.`,
  ),
  FILE_UNREADABLE: row<{ file: string; reason: string }>(
    'user',
    (p) => `${p.file}: cannot be read (${p.reason}). Check the path and its permissions.`,
  ),
  FILE_INVALID: row<{ problems: readonly string[] }>('user', (p) => p.problems.join('\n')),
  // Definitions and plans.
  DEFINITION_INVALID: row<{ problem: string }>('user', (p) => p.problem),
  DEFINITION_UNLOADABLE: row<{ file: string; reason: string }>(
    'user',
    (p) =>
      `${p.file}: cannot be loaded (${p.reason}). It must export a pipeline by default: export default pipeline(…).`,
  ),
  PLAN_INVALID: row<{ problems: readonly string[] }>('user', (p) => p.problems.slice(0, 10).join('\n')),
  FUNCTION_MISSING: row<{ functions: readonly string[] }>(
    'user',
    (p) =>
      `The plan calls ${p.functions.join(', ')}, whose code is not the one it was made with. Run it with the definition that has it.`,
  ),
  DEFINITION_CHANGED: row<{ remedy: string; differences?: readonly string[] }>('user', (p) =>
    [
      `The definition is not the one that the stored results were computed with${p.differences === undefined ? '.' : ':'}`,
      ...(p.differences ?? []).map((difference) => `  ${difference}`),
      p.remedy,
    ].join(p.differences === undefined ? ' ' : '\n'),
  ),
  // Views, sources, versions.
  VIEW_UNKNOWN: row<{ view: string; known: readonly string[] }>(
    'user',
    (p) => `There is no view "${p.view}". There are: ${p.known.join(', ')}.`,
  ),
  COLUMN_UNKNOWN: row<{ column: string; view: string; known: readonly string[] }>(
    'user',
    (p) => `View "${p.view}" has no column "${p.column}". It has: ${p.known.join(', ')}.`,
  ),
  SOURCE_UNKNOWN: row<{ source: string; known: readonly string[] }>(
    'user',
    (p) => `There is no source "${p.source}". There are: ${p.known.join(', ')}.`,
  ),
  VERSION_INVALID: row<{ problem: string }>('user', (p) => p.problem),
  ARCHITECTURE_CANNOT: row<{ command: string; architecture: string; where: string }>(
    'user',
    (p) => `"${p.command}" has no meaning under ${p.architecture}: it belongs to ${p.where}.`,
  ),
  // Disk.
  DATA_LOCKED: row<{ folder: string; owner: string }>(
    'external',
    (p) =>
      `${p.folder} is in use by ${p.owner}. Stop that process, or wait until it is done; nothing was changed.`,
    true,
  ),
  DATA_TAKEN: row<{ folder: string; generation: number }>(
    'external',
    (p) =>
      `${p.folder} is not the folder any more that this process has opened (as owner ${p.generation}): it was moved, replaced or taken over meanwhile. This process stops and leaves it as it is; what it has acknowledged is in the folder that it had.`,
  ),
  DATA_FOREIGN: row<{ folder: string; reason: string }>(
    'user',
    (p) => `${p.folder} was not written by this pipeline (${p.reason}). Choose another folder under "data".`,
  ),
  DATA_NEWER: row<{ file: string }>(
    'user',
    (p) =>
      `${p.file} was written by a newer version of the runtime. Nothing was changed; run it with that version, or a newer one.`,
  ),
  STATE_NEWER: row<{ found: number; known: number }>(
    'user',
    (p) =>
      `The stored results have format ${p.found}, and this version of the runtime reads up to ${p.known}. Run the version that wrote them, or a newer one; nothing was changed.`,
  ),
  LOG_WRITE_FAILED: row<{ file: string; reason: string }>(
    'external',
    (p) =>
      `${p.file}: the events could not be made durable (${p.reason}). Nothing of them was accepted; free space or check the disk, then send them again.`,
    true,
  ),
  DISK_FULL: row<{ folder: string; free: string; reserve: string; consequence: string }>(
    'external',
    (p) =>
      `${p.folder}: the disk is full. Only ${p.free} are free, and the last ${p.reserve} are kept for what is running ("disk.reserve" in pipeline.config.yaml). ${p.consequence}; free some space, and it goes on by itself.`,
    true,
  ),
  INTAKE_BUSY: row<{ bytes: number }>(
    'external',
    (p) =>
      `Too many long lines are being sent at once: more than ${p.bytes} bytes of them are not whole yet. What came before was taken; send the rest again, in fewer streams at a time.`,
    true,
  ),
  LOG_CORRUPT: row<{ file: string; at: number; reason: string }>(
    'external',
    (p) =>
      `${p.file}: damaged at byte ${p.at} (${p.reason}). Restore the file from a copy; the events behind it cannot be trusted.`,
  ),
  LOG_UNAVAILABLE: row<{ folder: string; reason: string }>(
    'external',
    (p) =>
      `${p.folder}: the log cannot be opened or read (${p.reason}). Check the disk, its space and the permissions; no event was lost.`,
    true,
  ),
  LOG_TRIMMED: row<{ position: number; start: number; until: string; remedy: string }>(
    'user',
    (p) =>
      `The log begins at position ${p.start}: what was appended until ${p.until} was removed, as \`log.retention\` says, and position ${p.position} is needed. ${p.remedy}`,
  ),
  SNAPSHOT_FAILED: row<{ place: string; reason: string }>(
    'external',
    (p) =>
      `${p.place}: the snapshot was not taken (${p.reason}); those before it are as they were. Check the room and the rights there, then take it again.`,
    true,
  ),
  SNAPSHOT_NONE: row<{ place: string }>(
    'user',
    (p) => `${p.place}: there is no such snapshot. Name the folder that \`pipeline snapshot --to\` wrote to.`,
  ),
  SNAPSHOT_FOREIGN: row<{ place: string; reason: string }>(
    'user',
    (p) => `${p.place}: not for snapshots of this pipeline (${p.reason}). Name another folder.`,
  ),
  SNAPSHOT_DAMAGED: row<{ file: string; at: number; reason: string }>(
    'external',
    (p) =>
      `${p.file}: damaged at byte ${p.at} (${p.reason}). Nothing was restored from it; \`pipeline restore --or-previous\` takes the newest snapshot that is whole.`,
  ),
  SNAPSHOT_RUNNING: row<{ place: string }>(
    'user',
    (p) => `A snapshot to ${p.place} is being taken. Wait until it is done.`,
    true,
  ),
  RESTORE_OCCUPIED: row<{ folder: string }>(
    'user',
    (p) =>
      `${p.folder} holds something already. Restore into a folder that is empty or not there: move this one away first.`,
  ),
  RESTORE_FAILED: row<{ folder: string; reason: string }>(
    'external',
    (p) => `${p.folder}: nothing was restored (${p.reason}), and nothing of it is left behind.`,
  ),
  SINK_INVALID: row<{ sink: string; problem: string }>(
    'user',
    (p) => `Sink "${p.sink}" of pipeline.config.yaml: ${p.problem}`,
  ),
  SINK_FOREIGN: row<{ place: string; reason: string }>(
    'user',
    (p) =>
      `${p.place}: nothing was written there (${p.reason}). Name another place for the sink, or make room.`,
  ),
  SINK_TAKEN: row<{ place: string; data: string }>(
    'user',
    (p) =>
      `${p.place}: it is filled from other data (${p.data}) than these. Give the sink another place; or remove what is there, with its marker, and it is filled anew.`,
  ),
  SINK_FENCED: row<{ place: string; generation: number; found: number }>(
    'external',
    (p) =>
      `${p.place}: another process writes there by now (as owner ${p.found}, this one is ${p.generation}). This process stops and leaves it as it is.`,
  ),
  SINK_MOVED: row<{ place: string }>(
    'external',
    (p) => `${p.place}: it is not as it was left. All rows are delivered again.`,
    true,
  ),
  SINK_UNAVAILABLE: row<{ place: string; reason: string }>(
    'external',
    (p) => `${p.place}: it cannot be reached now (${p.reason}). Nothing is lost; it is tried again.`,
    true,
  ),
  SINK_REFUSED: row<{ place: string; reason: string }>(
    'external',
    (p) =>
      `${p.place}: the rows were refused (${p.reason}). Nothing is lost: mend the receiver or the settings of the sink, then start again.`,
  ),
  SINK_GIVEN_UP: row<{ place: string; reason: string }>(
    'external',
    (p) =>
      `${p.place}: it could not be reached for as long as giveUpAfter says: ${p.reason} Nothing is lost: what is missing there is delivered at the next start.`,
  ),
  SINK_FAILED: row<{ place: string; reason: string }>(
    'external',
    (p) =>
      `${p.place}: the rows could not be delivered (${p.reason}). Nothing is lost: mend it, then start again.`,
  ),
  STATE_FAILED: row<{ folder: string; reason: string }>(
    'external',
    (p) =>
      `${p.folder}: the state could not be read or written (${p.reason}). Nothing was lost: it is computed again from the log after \`pipeline run --rebuild\`.`,
  ),
  STATE_NO_ROOM: row<{ folder: string; reason: string }>(
    'external',
    (p) =>
      `${p.folder}: the disk is full, and the state could not be written (${p.reason}). Nothing was lost: free some space and start again; what was acknowledged is computed from where the state stands.`,
    true,
  ),
  NATIVE_MISSING: row<{ reason: string }>(
    'external',
    (p) =>
      `RocksDB cannot be loaded (${p.reason}). On Linux it needs glibc 2.34 and libatomic1 (apt-get install libatomic1); Alpine is not supported.`,
  ),
  INPUT_BROKEN: row<{ file: string; rows: number; reason: string }>(
    'external',
    (p) =>
      `${p.file}: cannot be read after row ${p.rows} (${p.reason}). The rows before it were taken; send the rest as a file of its own.`,
  ),
  USAGE: row<{ message: string }>('user', (p) => p.message),

  // The HTTP server and the control socket.
  PORT_IN_USE: row<{ port: number }>(
    'user',
    (p) => `port ${p.port} is in use by another program. Choose another with --port, or 0 for a free one.`,
  ),
  LISTEN_FAILED: row<{ where: string; reason: string }>(
    'external',
    (p) => `Cannot listen on ${p.where}: ${p.reason}. Choose another address or port.`,
  ),
  CONTROL_SOCKET_IN_USE: row<{ path: string }>(
    'user',
    (p) => `This pipeline is running already: ${p.path} answers. Stop that one first.`,
  ),
  NOT_RUNNING: row<{ path: string }>(
    'external',
    (p) => `No pipeline is running here: ${p.path} does not answer. Start it with "pipeline run".`,
    true,
  ),
  CONTROL_ANSWER_INVALID: row<{ status: number }>(
    'external',
    (p) =>
      `The running pipeline gave an answer that this version does not understand (status ${p.status}). Restart it.`,
  ),
} as const;

export const failure = errorsOf(RUNTIME_ERRORS);
