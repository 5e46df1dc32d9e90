import { type Multiplier, native } from '../native.js'

/** Settings of the process that native work uses from its start to its end. */
export interface ProcessSettings {
  readonly threads: number
  readonly multiplier: Multiplier
}

export const processSettings = (): ProcessSettings => ({ threads: native.threads(), multiplier: native.multiplier() })

export function useSettings({ threads, multiplier }: ProcessSettings): void {
  native.setThreads(threads)
  native.multiplier(multiplier)
}

/** Starts native work with other settings and restores those of the process. */
export function withSettings<T>(settings: ProcessSettings, start: () => Promise<T>): Promise<T> {
  const before = processSettings()
  useSettings(settings)
  try {
    return start() // work keeps the settings it was started with
  } finally {
    useSettings(before)
  }
}
