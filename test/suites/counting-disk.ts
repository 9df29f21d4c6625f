/** The same disk, and how many bytes of which files were read. */
import type { Disk, DiskFile } from '../../runtime/src/ports/disk.ts';

export function counting(disk: Disk): { disk: Disk; read: Map<string, number> } {
  const read = new Map<string, number>();
  const count = (file: string, bytes: number): number => {
    read.set(file, (read.get(file) ?? 0) + bytes);
    return bytes;
  };
  const open = async (file: string, options: Parameters<Disk['open']>[1]): Promise<DiskFile> => {
    const handle = await disk.open(file, options);
    return {
      ...handle,
      read: async (buffer, at) => count(file, await handle.read(buffer, at)),
      readNow: (buffer, at) => count(file, handle.readNow(buffer, at)),
    };
  };
  const counted = new Proxy<Disk>(disk, {
    get: (target, name) => {
      if (name === 'open') return open;
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  return { disk: counted, read };
}
