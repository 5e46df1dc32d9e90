/// <reference lib="dom" />
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluate, report } from '../../lib/index.js'
import { place, trained, vectorFile } from '../train/runs.js'

const CHROMIUM = process.env.LVM_TORCH_TEST_CHROMIUM ?? '/usr/bin/chromium'
const missing = !existsSync(CHROMIUM)
if (missing) console.warn(`skipped: no browser at ${CHROMIUM}; name one in LVM_TORCH_TEST_CHROMIUM, or: apt-get install chromium`)

describe.skipIf(missing)('the page in a browser', () => {
  let browser: Browser
  let address: string
  const shots = process.env.LVM_TORCH_TEST_SCREENSHOTS ?? place('shots')

  beforeAll(async () => {
    const data = await vectorFile('page', { articles: 60, length: 20 })
    const [models, evaluation] = [place('page-models'), place('page-evaluation')]
    for (const model of ['lstm', 'gru'] as const)
      await trained({ data, model, preset: 'tiny', epochs: 3, threads: 1, out: models, name: `page_${model}` })
    await evaluate({ runs: ['page_lstm', 'page_gru'].map((name) => join(models, name)), out: evaluation, latency: 0.01 })
    address = pathToFileURL((await report({ runs: models, out: evaluation })).page).href
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
    mkdirSync(shots, { recursive: true })
  })
  afterAll(async () => browser?.close())

  /** Opens the page offline and records its requests, warnings and errors. */
  async function open(width: number, colorScheme: 'light' | 'dark' = 'light'): Promise<{ page: Page; heard: string[] }> {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, offline: true })
    const page = await context.newPage()
    const heard: string[] = []
    page.on('console', (message) => heard.push(`${message.type()}: ${message.text()}`))
    page.on('pageerror', (error) => heard.push(error.message))
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) heard.push(`request: ${request.url()}`)
    })
    await page.goto(address)
    return { page, heard }
  }

  it.each([
    [1280, 'light'],
    [1280, 'dark'],
    [390, 'light'],
  ] as const)(
    'the report page opens at %i px, %s, without warnings, requests or a horizontal scroll bar',
    async (width, scheme) => {
      const { page, heard } = await open(width, scheme)
      expect(await page.locator('#matrix').textContent()).toBe('The matrix')
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
      await page.screenshot({ path: join(shots, `${width}-${scheme}.png`), fullPage: true })
      expect(heard).toEqual([])
      await page.close()
    },
  )

  it('the report page sorts a table by a column in both directions, with missing values last', async () => {
    const { page, heard } = await open(1280)
    const button = page.locator('section:has(#matrix) th button', { hasText: 'Val Loss' })
    const column = () =>
      page
        .locator('section:has(#matrix) tbody tr')
        .locator('td:nth-child(5)')
        .evaluateAll((cells) => cells.map((cell) => cell.getAttribute('data-key')!))
    const known = (keys: string[]) => keys.filter((key) => key !== '').map(Number)
    await button.focus()
    await page.keyboard.press('Enter')
    const up = await column()
    await page.keyboard.press('Enter')
    const down = await column()
    expect(known(up)).toEqual(known(up).toSorted((a, b) => a - b))
    expect(known(down)).toEqual(known(up).toReversed())
    expect([up.slice(2), down.slice(2)].flat().every((key) => key === '')).toBe(true)
    expect(await button.locator('..').getAttribute('aria-sort')).toBe('descending')
    expect(heard).toEqual([])
    await page.close()
  })

  it('the report page explains a mark and links from the table to the run', async () => {
    const { page, heard } = await open(1280)
    const mark = page.locator('#figure-cosine_comparison [data-tip]').first()
    await mark.scrollIntoViewIfNeeded()
    await mark.hover()
    expect(await page.locator('#tip').textContent()).toMatch(/^page_(lstm|gru): \.\d{4}/)
    await page.locator('section:has(#matrix) a', { hasText: 'page_lstm' }).click()
    expect(await page.evaluate('location.hash')).toBe('#run-page_lstm')
    expect(await page.locator('#run-page_lstm').isVisible()).toBe(true)
    expect(heard).toEqual([])
    await page.close()
  })

  it('the report page prints with all sections open', async () => {
    const { page } = await open(1280)
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(await page.locator('details:not([open])').count()).toBe(0)
    expect((await page.pdf({ format: 'A4' })).length).toBeGreaterThan(50_000)
    await page.close()
  })
})
