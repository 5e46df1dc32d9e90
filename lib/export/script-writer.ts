import { LvmError } from '../errors.js'
import { PYTHON_WORDS } from '../spec/declared-names.js'
import { SpecWriter } from './spec-writer.js'

/** Python source of a forward function, written line by line; parameters are reached through the names of their nodes. */
export class ScriptWriter extends SpecWriter {
  readonly lines: string[] = []
  readonly methods = new Map<string, string>()
  private count = 0

  /** Assigns an expression to a new variable and returns its name. */
  set(expression: string): string {
    this.count += 1
    const name = `v${this.count}`
    this.lines.push(`${name} = ${expression}`)
    return name
  }
  /** Returns the expression of a parameter of the current node. */
  param(name: string): string {
    const parts = [...this.path, ...name.split('.')]
    const keyword = parts.find((part) => PYTHON_WORDS.has(part))
    if (keyword !== undefined)
      throw new LvmError(
        'BAD_SPEC',
        `export: expected names that TorchScript allows but the spec has a part named "${keyword}"`,
        {
          hint: 'use --format onnx or safetensors, or train with another name for it',
        },
      )
    return parts.reduce((owner, part) => (/^\d/.test(part) ? `getattr(${owner}, "${part}")` : `${owner}.${part}`), 'self')
  }
  /** Emits an indented block below a heading such as `for …:`. */
  block(heading: string, body: () => void): void {
    const at = this.lines.length
    body()
    const inner = this.lines.splice(at)
    this.lines.push(heading, ...inner.map((line) => `  ${line}`))
  }
  /** Adds a method to the module unless it exists, and returns its call. */
  method(name: string, source: string): string {
    this.methods.set(name, source)
    return `self.${name}`
  }
}
