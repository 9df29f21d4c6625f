/** Work for later that nobody awaits: heartbeats, flushes, limits of time. None keeps the process alive. */
type Stop = () => void;

/** Does something once, unless it is stopped before. */
export function after(ms: number, work: () => void): Stop {
  const timer = setTimeout(work, ms).unref();
  return () => clearTimeout(timer);
}

/** Does something again and again until it is stopped. */
export function every(ms: number, work: () => void): Stop {
  const timer = setInterval(work, ms).unref();
  return () => clearInterval(timer);
}
