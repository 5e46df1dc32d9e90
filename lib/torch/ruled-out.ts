const said = new Set<string>()

/** Says once, as a warning of the process, that a kernel or a setting was ruled out. */
export function warnRuledOut(sentence: string): void {
  if (said.has(sentence)) return
  said.add(sentence)
  process.emitWarning(sentence, 'LvmWarning')
}
