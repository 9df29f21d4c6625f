/**
 * Looks through the records of RocksDB's list of files for the two kinds of damage that RocksDB does not tell by itself:
 *
 *   a type of files that are used again   it writes none there, and never comes back from one
 *   a length beyond the end               to it a write that was torn: it goes on without that record and all behind it, and
 *                                         files that they name are lost. Of a torn record no beginning fits the checksum; of one
 *                                         whose length is damaged the real length does
 *
 *   block of 32 KB    record, record, …, fewer than 7 bytes of zeros      record    checksum 4, length 2, type 1, bytes
 */

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
/** 1 whole, 2 first, 3 middle, 4 last; from 5 on the same of files that are used again. */
const REUSED = [5, 6, 7, 8];
const CRC32C_POLYNOMIAL = 0x82f6_3b78;

/** The byte at which such damage begins; undefined when there is none. */
export function damagedRecordIn(bytes: Buffer): number | undefined {
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    if (REUSED.includes(bytes.readUInt8(at + 6))) return at;
    const length = HEADER_BYTES + bytes.readUInt16LE(at + 4);
    const record = bytes.subarray(at, at + Math.min(left, length));
    if (record.length < length) return isWholeWithin(record) ? at : undefined;
    at += length;
  }
  return undefined;
}

/** Whether the checksum of a record fits its type and some of the bytes that are there. */
function isWholeWithin(record: Buffer): boolean {
  const expected = record.readUInt32LE(0);
  let crc = 0xffff_ffff;
  for (const byte of record.subarray(HEADER_BYTES - 1)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? CRC32C_POLYNOMIAL : 0);
    if (masked(~crc) === expected) return true;
  }
  return false;
}

/** As RocksDB stores it, so that a checksum of bytes that hold checksums is not weak. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282_ead8) >>> 0;
}
