const said = new Set<string>()

/** Emits a process warning, once per sentence, that a kernel or setting was ruled out. */
export function warnRuledOut(sentence: string): void {
  if (said.has(sentence)) return
  said.add(sentence)
  process.emitWarning(sentence, 'LvmWarning')
}
