/** A server with one queue and a fixed service time. */
export function queueServer(options?: {
  /** Units: ms */
  service?: number
  /** Requests that may wait. */
  queue?: number
  dim?: number
  context?: number
  key?: string
  /** Status of the i-th request, if it is to fail. */
  fault?: (i: number) => number | undefined
  tls?: { key: string; cert: string }
}): Promise<{
  url: string
  sessions: Map<string, number>
  counts(): { requests: number; opened: number }
  close(): Promise<void>
}>
