import { type Multiplier, native } from '../native.js'

/** What native work computes with that is asked for from now on. */
export interface ProcessSettings {
  readonly threads: number
  readonly multiplier: Multiplier
}

export const processSettings = (): ProcessSettings => ({ threads: native.threads(), multiplier: native.multiplier() })

export function useSettings({ threads, multiplier }: ProcessSettings): void {
  native.setThreads(threads)
  native.multiplier(multiplier)
}

/** Asks for native work that computes with other settings than those of the process, which stay as they are. */
export function withSettings<T>(settings: ProcessSettings, ask: () => Promise<T>): Promise<T> {
  const before = processSettings()
  useSettings(settings)
  try {
    return ask() // work keeps the settings of the moment it was asked for
  } finally {
    useSettings(before)
  }
}
