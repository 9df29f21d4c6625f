/**
 * Asks the pipeline for its status, once a second, while someone looks.
 *
 *   asking ──answer──► asking (after 1 s)
 *          ──none────► asking, slower and slower, `ATTEMPTS_MAX` times ──► resting, until the reader asks again
 *          ──401─────► waiting for a token
 *
 * @import { Status } from '../../../host/host.ts'
 * @typedef {object} Listener
 * @property {(status: Status) => void} status
 * @property {(sinceMs: number, trying: boolean) => void} silence
 * @property {() => void} tokenNeeded
 */

const EVERY_MS = 1000;
const ANSWER_WITHIN_MS = 5000;
const ATTEMPTS_MAX = 6;
const TOKEN_KEY = 'pipeline-token';

/** A problem that the pipeline reported, with its status and its words. */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** A token comes in the fragment, which is never sent to a server, and leaves the address bar at once. */
export function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  keepToken(token);
  history.replaceState(null, '', location.pathname);
}

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/**
 * @param {string} path
 * @returns {Promise<unknown>}
 */
export async function ask(path) {
  const token = sessionStorage.getItem(TOKEN_KEY);
  const headers = token === null ? undefined : { authorization: `Bearer ${token}` };
  const init = {
    ...(headers === undefined ? {} : { headers }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  };
  const response = await fetch(path, init);
  const value = await response.json();
  if (!response.ok) throw new Refused(response.status, String(value.detail ?? response.statusText));
  return value;
}

/**
 * @param {Listener} listener
 * @returns {{ again: () => void }}
 */
export function follow(listener) {
  let failures = 0;
  let silentSinceMs = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let asking = false;

  async function turn() {
    if (asking) return;
    clearTimeout(timer);
    asking = true;
    const waitMs = await once().finally(() => (asking = false));
    if (waitMs !== null) timer = setTimeout(() => void turn(), waitMs);
  }

  /** @returns {Promise<number | null>} how long to wait, null to rest */
  async function once() {
    if (document.hidden) return null;
    try {
      listener.status(/** @type {Status} */ (await ask('/api/status')));
      failures = 0;
      return EVERY_MS;
    } catch (error) {
      if (error instanceof Refused && error.status === 401) {
        listener.tokenNeeded();
        return null;
      }
      if (failures === 0) silentSinceMs = Date.now();
      failures++;
      const trying = failures < ATTEMPTS_MAX;
      listener.silence(silentSinceMs, trying);
      return trying ? EVERY_MS * 2 ** (failures - 1) : null;
    }
  }

  function again() {
    failures = 0;
    void turn();
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) again();
  });
  void turn();
  return { again };
}
