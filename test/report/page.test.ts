import { beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../lib/index.js'
import { escaped } from '../../lib/page/html.js'
import { embedded } from '../../lib/report/html/report-page.js'
import { plainName, xmlText } from '../../lib/show.js'
import { makeReport, ODD, RIGHT_TO_LEFT } from './material.js'

let made: Report
let page: string
beforeAll(async () => {
  ;({ made, page } = await makeReport())
}, 600_000)

describe('the page', () => {
  it('the report page escapes every text of a corpus', () => {
    expect(page).not.toMatch(/<script>alert|<img src=x|<b>&</)
    expect(page).not.toContain('\u0000')
    expect(page).toContain('&lt;/script&gt;&lt;script&gt;alert(1)')
    expect(page.match(/<script/g)).toHaveLength(2)
    expect(page).toContain(`id="run-${plainName(ODD)}"`)
    expect(page).toBe(xmlText(page))
  })
  it('the report page shows ten windows of each run as sentences, with the rule that chose them and a baseline', () => {
    const parts = page.match(/<details class="windows">.*?<\/details>/gs)!
    expect(parts).toHaveLength(4)
    for (const part of parts) {
      expect(part).toContain('10 windows at evenly spaced quantiles of the cosine with the true next vector, the lowest first')
      expect(part).toContain('not a generated one')
      expect(part.match(/<h4>/g)).toHaveLength(10)
      expect(part.match(/<dt>true next<\/dt><dd dir="auto"/g)).toHaveLength(10)
      expect(part.match(/<dt>prediction <span class="n">\.\d{4}<\/span><\/dt><dd dir="auto"/g)).toHaveLength(10)
      expect(
        part.match(
          /<dt>(copy last|context mean|exponential mean|(?:exponential )?mixture(?: of exp\. means)?) <span class="n">\.\d{4}<\/span>/g,
        ),
      ).toHaveLength(10)
      expect(part).toContain(RIGHT_TO_LEFT)
    }
  })
  it('the report page folds the limits of the specification away and names small presets in the matrix', () => {
    const [, limits] = /<h2 id="limits">(.*?)<\/section>/s.exec(page)!
    expect(limits).toMatch(/^[^<]*<\/h2>\s*<p class="muted">They were set for other vectors\..*?<\/p>\s*<details><summary>/s)
    expect(page.replace(limits!, '')).not.toContain('expected 70 %')
    expect(page).toContain('<span class="tag warn">other size</span> <span class="tag warn">preset tiny</span>')
  })
  it('the report page has each figure for wide and for narrow pages, values for the pointer, and a button to hide each run', () => {
    const [figure] = /<figure id="figure-loss_by_step".*?<\/figure>/s.exec(page)!
    expect(figure.match(/data-size="(wide|narrow)"/g)).toHaveLength(2)
    expect(figure).not.toMatch(/(?:fill|stroke)="#(?:1b1f24|5b6470|ffffff|0072b2)"/)
    expect(figure).toMatch(/data-hover="[^"]*&quot;lstm_baseline&quot;/)
    const names = [...page.matchAll(/data-toggle="\d+" data-name="([^"]*)"/g)].map(([, name]) => name)
    expect(names.filter((name) => name === 'lstm_baseline')).toHaveLength(2)
    expect(new Set(names).size).toBe(4)
    expect(page.match(/<select data-side=/g)).toHaveLength(2)
  })
  it('the report page writes numbers below 1 without the zero before the point', () => {
    const cells = [...page.matchAll(/<td class="n" data-key="[^"]*">([^<]*)<\/td>/g)].map(([, text]) => text!)
    expect(cells.filter((text) => /^[−+]?0\.\d+$/.test(text))).toEqual([])
  })
  it('every internal link of the report page has exactly one target', () => {
    const ids = [...page.matchAll(/<[^>]* id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, id] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(id)
  })
  it('the report page fetches nothing from outside', () => {
    const addresses = [...page.matchAll(/(?:src|href|action|srcset)="([^"]*)"|url\(([^)]*)\)/g)].map((m) => m[1] ?? m[2]!)
    expect(addresses.filter((address) => !/^(#|data:)/.test(address))).toEqual([])
    expect(page).toMatch(/Content-Security-Policy" content="default-src &#39;none&#39;/)
  })
  it('the report page contains the whole report', () => {
    expect(JSON.parse(embedded(page)!)).toEqual(JSON.parse(JSON.stringify(made)))
    expect(Buffer.byteLength(page)).toBeLessThan(3e6)
  })
  it('HTML escaping covers every character that could end a text', () => {
    expect(escaped(`<>&"'\u0007\ud83d\ude00\udc00`)).toBe('&lt;&gt;&amp;&quot;&#39;\ufffd\u{1f600}\ufffd')
  })
})
