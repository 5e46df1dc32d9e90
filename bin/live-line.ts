/** Whether the last line of stderr is one that is rewritten. */
let isOpen = false
let isMuted = false

/** Rewrites the live line of stderr, cut to the width of the terminal. */
export function drawLine(text: string): void {
  if (isMuted) return
  process.stderr.write(`\r${text.slice(0, (process.stderr.columns ?? 80) - 1)}\x1b[K`)
  isOpen = true
}

/** Removes the live line, so that another line can be written in its place. */
export function clearLine(): void {
  if (isOpen) process.stderr.write('\r\x1b[K')
  isOpen = false
}

/** Ends the live line for good: from now on a verb shows results, or progress of its own. */
export function muteLine(): void {
  clearLine()
  isMuted = true
}

/** Whether `muteLine` was called. */
export const lineMuted = (): boolean => isMuted
