import { badOption, LvmError } from '../errors.js'

type Env = Readonly<Record<string, string | undefined>>

/** Place of this process among those of a data-parallel training. */
export interface RankPlace {
  readonly rank: number
  readonly size: number
  /** Address and port of the store, which rank 0 runs unless the launcher does. */
  readonly address: string
  readonly port: number
  readonly serve: boolean
  /** Prefix of the keys in the store, so that a restart does not read those of the last attempt. */
  readonly prefix: string
}

/** Most processes of one training. */
export const MOST_RANKS = 4096
const SLURM_PORT = 20_000

function whole(env: Env, key: string, least: number, most: number): number {
  const text = env[key]
  const value = Number(text)
  if (text !== undefined && /^\d+$/.test(text) && value >= least && value <= most) return value
  throw badOption('train', key, `an integer from ${least} to ${most} in the environment`, text, `the launcher sets ${key}`)
}

/** First host of a list of SLURM's, such as node[03-05,07]. */
export function firstHost(list: string): string {
  const [, prefix = '', range, rest = ''] = /^([^,[]*)(?:\[(\w+)[^\]]*\]([^,]*))?/.exec(list) ?? []
  return range === undefined ? prefix : `${prefix}${range}${rest}`
}

/** Whether srun started this process; the script of a batch job has the same variables without a step. */
const isStep = (env: Env): boolean =>
  env.SLURM_JOB_ID === undefined ||
  ['SLURM_STEP_ID', 'SLURM_STEPID', 'SLURM_STEP_NUM_TASKS'].some((key) => env[key] !== undefined)

function slurmPlace(env: Env): RankPlace | undefined {
  if (env.SLURM_PROCID === undefined || env.SLURM_NTASKS === undefined || !isStep(env)) return undefined
  const size = whole(env, 'SLURM_NTASKS', 1, MOST_RANKS)
  if (size === 1) return undefined
  const rank = whole(env, 'SLURM_PROCID', 0, size - 1)
  const hosts = env.SLURM_STEP_NODELIST ?? env.SLURM_JOB_NODELIST
  const address = env.MASTER_ADDR ?? (hosts === undefined ? '127.0.0.1' : firstHost(hosts))
  const port =
    env.MASTER_PORT === undefined ? SLURM_PORT + (Number(env.SLURM_JOB_ID ?? 0) % 20_000) : whole(env, 'MASTER_PORT', 1, 65_535)
  return {
    rank,
    size,
    address,
    port,
    serve: rank === 0,
    prefix: `lvm-torch/${env.SLURM_JOB_ID ?? ''}/${env.SLURM_RESTART_COUNT ?? 0}`,
  }
}

/** Prefix of the keys of one attempt of torchrun. */
export const torchrunPrefix = (env: Env = process.env): string =>
  `lvm-torch/${env.TORCHELASTIC_RUN_ID ?? ''}/${env.TORCHELASTIC_RESTART_COUNT ?? 0}`

/**
 * Reads this process's place from the variables of torchrun (RANK, WORLD_SIZE, …) or of srun; undefined for a single process.
 *
 * Errors: BAD_OPTION for variables that are missing or wrong.
 */
export function rankPlace(env: Env = process.env): RankPlace | undefined {
  if (env.RANK === undefined || env.WORLD_SIZE === undefined) return slurmPlace(env)
  const size = whole(env, 'WORLD_SIZE', 1, MOST_RANKS)
  if (size === 1) return undefined
  const rank = whole(env, 'RANK', 0, size - 1)
  if (env.MASTER_ADDR === undefined)
    throw new LvmError(
      'BAD_OPTION',
      `train: expected MASTER_ADDR in the environment beside RANK and WORLD_SIZE but there is none`,
      {
        hint: 'set MASTER_ADDR and MASTER_PORT to the address of rank 0, or unset RANK to train in one process',
      },
    )
  const ofAgent = env.TORCHELASTIC_USE_AGENT_STORE?.toLowerCase() === 'true'
  return {
    rank,
    size,
    address: env.MASTER_ADDR,
    port: whole(env, 'MASTER_PORT', 1, 65_535),
    serve: rank === 0 && !ofAgent,
    prefix: torchrunPrefix(env),
  }
}

/** Whether a launcher has started this training again after a failure: it then goes on from its last save. */
export const isRestart = (env: Env = process.env): boolean =>
  rankPlace(env) !== undefined && Number(env.TORCHELASTIC_RESTART_COUNT ?? env.SLURM_RESTART_COUNT ?? 0) > 0
