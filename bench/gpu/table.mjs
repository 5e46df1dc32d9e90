/** The table of a report: a line per figure, what it is measured against, and its value. */
export function table({ stages, device, python }) {
  const found = Object.fromEntries(stages.map(({ name, found }) => [name, found ?? {}]))
  const rows = []
  const number = (x, digits = 2) => (x === undefined || x === null ? '–' : x.toFixed(digits))
  for (const { name, ok, seconds, said } of stages) rows.push([name, ok ? 'ok' : 'FAILED', `${seconds.toFixed(0)} s`, said])
  const lines = rows.map((row) => `| ${row.join(' | ')} |`)
  const ceilings = found.ceilings?.ceilings
  const times = Object.entries(found.train?.rows ?? {}).map(
    ([name, r]) =>
      `| ${name} | ${number(r.ms.graph, 3)} | ${number(r.ms.queued, 3)} | ${number(r.ms.pytorch_eager, 3)} | ${number(r.ms.pytorch_compile, 3)} | ${number(r.ratio_eager)} | ${number(r.ratio_compile)} | ${number(r.share)} |`,
  )
  const predictions = Object.entries(found.inference?.rows ?? {}).map(
    ([name, r]) =>
      `| ${name} | ${number(r.ms.lvm_torch, 3)} | ${number(r.ms.pytorch_eager, 3)} | ${number(r.ms.pytorch_compile, 3)} | ${number(r.ratio_eager)} | ${number(r.ratio_compile)} |`,
  )
  return [
    `${python?.said ?? 'no Python'} · ${device}`,
    '',
    '| stage | | time | |',
    '|---|---|---|---|',
    ...lines,
    ...(ceilings
      ? [
          '',
          `ceilings: ${Object.entries(ceilings)
            .map(([name, x]) => `${name} ${x.value.toFixed(1)} ${x.unit}`)
            .join(', ')}`,
        ]
      : []),
    ...(times.length > 0
      ? [
          '',
          '| training step, ms | recorded | queued | PyTorch eager | torch.compile | eager / ours | compile / ours | share of the floor |',
          '|---|---|---|---|---|---|---|---|',
          ...times,
        ]
      : []),
    ...(predictions.length > 0
      ? [
          '',
          '| prediction, ms | lvm-torch | PyTorch eager | torch.compile | eager / ours | compile / ours |',
          '|---|---|---|---|---|---|',
          ...predictions,
        ]
      : []),
  ].join('\n')
}
