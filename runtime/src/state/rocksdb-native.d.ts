/** The package ships no types; `rocksdb.ts` states the part that we use. */
declare module 'rocksdb-native' {
  const RocksDB: unknown;
  export default RocksDB;
}
