/** Number and sum of rewards by client and arm, in arrays that grow. */
export class ClientSums {
  #counts: Float64Array[] = []
  #sums: Float64Array[] = []

  add(arm: number, client: number, reward: number): void {
    while (this.#counts.length <= arm) {
      this.#counts.push(new Float64Array(1024))
      this.#sums.push(new Float64Array(1024))
    }
    for (const columns of [this.#counts, this.#sums]) {
      const column = columns[arm]!
      if (client < column.length) continue
      columns[arm] = new Float64Array(2 ** Math.ceil(Math.log2(client + 1)))
      columns[arm].set(column)
    }
    this.#counts[arm]![client]! += 1
    this.#sums[arm]![client]! += reward
  }

  /** Number of rewards, their sum, clients, and clients with a reward above 0 and below 1, of one arm. */
  totals(arm: number) {
    const [counts, sums] = [this.#counts[arm] ?? new Float64Array(), this.#sums[arm] ?? new Float64Array()]
    const total = { rewards: 0, sum: 0, clients: 0, above: 0, below: 0 }
    for (let c = 0; c < counts.length; c++) {
      if (counts[c] === 0) continue
      total.rewards += counts[c]!
      total.sum += sums[c]!
      total.clients++
      total.above += Number(sums[c]! > 0)
      total.below += Number(sums[c]! < counts[c]!)
    }
    return total
  }

  /**
   * Mean reward of one arm minus that of another, with its standard error over clients.
   *
   * A client of both arms counts once, with the difference of its parts.
   */
  difference(arm: number, control: number): { readonly difference: number; readonly se: number } {
    const sides = [arm, control].map((index, i) => {
      const { rewards, sum } = this.totals(index)
      return { counts: this.#counts[index]!, sums: this.#sums[index]!, rewards, mean: sum / rewards, sign: i === 0 ? 1 : -1 }
    })
    let [square, clients] = [0, 0]
    for (let c = 0; c < Math.max(...sides.map(({ counts }) => counts.length)); c++) {
      let [residual, seen] = [0, 0]
      for (const { counts, sums, rewards, mean, sign } of sides) {
        const n = counts[c] ?? 0
        if (n === 0) continue
        seen++
        residual += (sign * (sums[c]! - mean * n)) / rewards
      }
      if (seen === 0) continue
      clients++
      square += residual ** 2
    }
    return { difference: sides[0]!.mean - sides[1]!.mean, se: Math.sqrt((square * clients) / (clients - 1)) }
  }
}
