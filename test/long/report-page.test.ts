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
    [400, 'light'],
    [400, 'dark'],
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
    const mark = page.locator('#figure-cosine_comparison .wide [data-tip^=page_]').first()
    await mark.scrollIntoViewIfNeeded()
    await mark.hover()
    expect(await page.locator('#tip').textContent()).toMatch(/^page_(lstm|gru): \.\d{4}/)
    await page.locator('section:has(#matrix) a', { hasText: 'page_lstm' }).click()
    expect(await page.evaluate('location.hash')).toBe('#run-page_lstm')
    expect(await page.locator('#run-page_lstm').isVisible()).toBe(true)
    expect(heard).toEqual([])
    await page.close()
  })

  it('figures have text of at least 11 pixels at 400 and 1280 pixels, and dashes that stand out from both papers', async () => {
    for (const [width, scheme] of [
      [400, 'light'],
      [1280, 'dark'],
    ] as const) {
      // biome-ignore format: pairs
      const { page } = await open(width, scheme)
      const { least, faint } = await page.evaluate(() => {
        const shown = Array.from(document.querySelectorAll<SVGSVGElement>('figure svg[data-size]')).filter(
          (svg) => svg.getBoundingClientRect().width > 0,
        )
        const scaled = (text: SVGTextElement) => {
          const svg = text.ownerSVGElement!
          return (
            (Number.parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width) / svg.viewBox.baseVal.width
          )
        }
        const sum = (colour: string) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).reduce((a, b) => a + Number(b), 0)
        const paper = sum(getComputedStyle(document.body).backgroundColor)
        const dashes = shown.flatMap((svg) => Array.from(svg.querySelectorAll('[stroke-dasharray]')))
        return {
          least: Math.min(...shown.flatMap((svg) => Array.from(svg.querySelectorAll('text')).map(scaled))),
          faint: dashes.filter((dash) => Math.abs(sum(getComputedStyle(dash).stroke) - paper) < 150).length,
        }
      })
      expect([Math.round(10 * least) / 10 >= 11, faint], `${width} ${scheme}: ${least} px`).toEqual([true, 0])
      await page.close()
    }
  })

  it('the report page shows the values of all curves under the pointer, without those of hidden runs', async () => {
    const { page, heard } = await open(1280)
    const svg = page.locator('#figure-loss_by_step svg[data-size=wide]')
    await svg.scrollIntoViewIfNeeded()
    const box = (await svg.boundingBox())!
    const at = (share: number) => page.mouse.move(box.x + share * box.width, box.y + box.height / 2)
    await at(0.4)
    expect(await page.locator('#tip').textContent()).toMatch(/^Optimizer step \d+\npage_gru: \.\d+.*\npage_lstm: \.\d+/)
    const lines = svg.locator('path[data-c="1"]')
    expect(await lines.first().isVisible()).toBe(true)
    await page.locator('section:has(#training) button[data-name=page_lstm]').click()
    expect(await lines.first().isVisible()).toBe(false)
    expect(await page.locator('section:has(#comparison) tr[data-run=page_lstm]').isVisible()).toBe(false)
    await svg.scrollIntoViewIfNeeded()
    const moved = (await svg.boundingBox())!
    await page.mouse.move(moved.x + 0.41 * moved.width, moved.y + moved.height / 2)
    expect(await page.locator('#tip').textContent()).not.toContain('page_lstm')
    await page.locator('section:has(#comparison) button[data-name=page_lstm]').click()
    expect(await lines.first().isVisible()).toBe(true)
    expect(heard).toEqual([])
    await page.close()
  })

  it('the report page shows the settings of two runs side by side, those that differ first', async () => {
    const { page, heard } = await open(1280)
    const rows = page.locator('#side-by-side tbody tr')
    expect(await rows.first().locator('td').allTextContents()).toEqual(['model', 'gru', 'lstm'])
    await page.locator('select[data-side=B]').selectOption('0')
    expect(await page.locator('#side-by-side tr.differs').count()).toBe(0)
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
