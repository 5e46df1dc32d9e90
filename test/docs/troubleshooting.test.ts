import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { ERRORS } from '../../lib/errors.js'

const page = readFileSync(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
const stories = page.split(/^## /m).slice(1)

it('every story of the troubleshooting page has a symptom, a cause and a cure, and a line in its contents', () => {
  expect(stories.length).toBeGreaterThanOrEqual(10)
  for (const story of stories) {
    const [title, ...rest] = story.split('\n')
    expect(rest.join('\n')).toMatch(/^\n```\n.+?```\n.*^\*\*Cause\.\*\*.+^\*\*Cure\.\*\* /ms)
    expect(page).toContain(`. [${title}](#`)
  }
})

it('every error code that the troubleshooting page prints exists', () => {
  const codes = [...page.matchAll(/^([A-Z]+_?[A-Z]+): /gm)].map((match) => match[1]!)
  expect(new Set(codes).size).toBeGreaterThanOrEqual(8)
  expect(codes.filter((code) => !(code in ERRORS))).toEqual([])
})

it('every error message that the troubleshooting page prints is one that the library still writes', () => {
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const templates = readdirSync('lib', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [...readFileSync(`lib/${file}`, 'utf8').matchAll(/`([^`\n]*expected[^`\n]* but [^`\n]*)/g)])
    .map(
      ([, text]) =>
        new RegExp(
          `^${text!
            .split(/\$\{[^}]*\}?/)
            .map(literal)
            .join('.+')}`,
        ),
    )
  const printed = [...page.matchAll(/^[A-Z_]+: (.*expected .*)$/gm)].map(([, message]) => message!)
  expect(printed.length).toBeGreaterThan(7)
  for (const message of printed)
    expect(
      templates.some((template) => template.test(message)),
      message,
    ).toBe(true)
})
