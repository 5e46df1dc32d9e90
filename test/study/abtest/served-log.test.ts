import { describe, expect, it } from 'vitest'
import { logLine, readRecord } from '../../../lib/study/abtest/served-log.js'
import { feedback, served } from './log-records.js'

describe('readRecord', () => {
  it('a record that is written is read again', () => {
    const records = [served('1', 'a', null), feedback('1', { reward: 0 })]
    expect(records.map(logLine).map((line) => readRecord(line))).toEqual(records)
  })
  it.each(['', 'null', '[]', '{"version":2}', '{"version":1,"type":"served","request_id":"1"}', logLine(feedback('1', {}))])(
    'the line %j is no record',
    (line) => {
      expect(readRecord(line)).toBeUndefined()
    },
  )
  it.each([{ reward: 2 }, { reward: Number.NaN }, { row: -1 }, { row: 1.5 }, { row: 1, context: 1e9 }])(
    'feedback with %j is no record',
    (more) => {
      expect(readRecord(logLine(feedback('1', more)))).toBeUndefined()
    },
  )
})
