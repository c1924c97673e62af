import type { Judgement } from './judgement.ts'
import { shareText } from './judgement.ts'

/** What one colour's counters grew by since the position was reached. */
export interface Trials {
  successes: number
  trials: number
}

/** Where the difference of two shares lies, green's minus blue's. */
export interface Interval {
  difference: number
  lower: number
  upper: number
}

/**
 * The difference that the test is tightest for: a few points in a hundred. Another value makes the
 * interval wider or narrower at other sizes, never wrong.
 */
const TUNED_FOR = 0.05

/** Below this many trials of either colour, nothing is said. */
export const LEAST_TRIALS = 50

/**
 * A confidence sequence for the difference of two proportions: with probability 1 - alpha the true
 * difference lies within it at *every* moment, so that it may be looked at after each answer, stopped
 * at any time and gone on with, which a fixed-sample test (z, t, chi square) may not: looked at after
 * each of 10,000 answers, one of 5 % passes wrongly in more than a fifth of all rollouts.
 *
 * It is Robbins' normal mixture, the boundary of mSPRT (Johari et al.) and of the asymptotic
 * confidence sequences of Waudby-Smith et al. With V the variance of the difference and I = 1/V its
 * information, the score of a difference times I is a Brownian motion in I (the canonical joint
 * distribution of group-sequential tests, Jennison and Turnbull), whatever share of the answers each
 * colour had at any time, as long as the shares do not follow the outcomes: weights do not. Mixed
 * over N(0, 1/r), Ville's inequality gives for all I at once
 *
 *     |difference - true| <= sqrt((I + r) (ln((I + r) / r) + 2 ln(1 / alpha))) / I
 *
 * Chosen over exact ones (beta-binomial mixtures for each colour, joined by a union bound) for its
 * power: those ask for two to three times as many answers. What it owes for that, the normal
 * approximation at small counts, is paid by three cautions: nothing is said below
 * {@link LEAST_TRIALS}; shares are shrunk by one success and one failure; and each colour is given
 * the larger variance of the two, as a share of 1.0 in the first hundred answers has none of its own.
 * test/rollout/experiment.test.ts shows by simulation that equal shares pass wrongly in fewer than
 * alpha of all runs although each answer is looked at.
 *
 * The error rate: of one position and attempt, a gain that is not there passes with probability at
 * most alpha (both bounds hold with 1 - alpha, so about half of that), whenever and however often it
 * is judged. Each further position that is judged has the same chance again.
 *
 * Sources: H. Robbins, Statistical methods related to the law of the iterated logarithm, Ann. Math.
 * Statist. 41 (1970); R. Johari, P. Koomen, L. Pekelis, D. Walsh, Always valid inference, Oper. Res.
 * 70 (2022), arXiv:1512.04922; I. Waudby-Smith, D. Arbour, R. Sinha, E. Kennedy, A. Ramdas,
 * Time-uniform central limit theory and asymptotic confidence sequences, Ann. Statist. 52 (2024),
 * arXiv:2103.06476.
 *
 * @param alpha the chance that the true difference is ever outside, 0 to 1
 * @returns undefined below {@link LEAST_TRIALS}
 */
export function confidenceSequence(
  green: Trials,
  blue: Trials,
  alpha: number,
): Interval | undefined {
  if (green.trials < LEAST_TRIALS || blue.trials < LEAST_TRIALS) return undefined
  const variance = Math.max(varianceOf(green), varianceOf(blue))
  const information = 1 / (variance / green.trials + variance / blue.trials)
  const penalty = 2 * Math.log(1 / alpha)
  // Tightest at the information at which a difference of TUNED_FOR begins to show.
  const tight = (2 * penalty) / TUNED_FOR ** 2
  const r = tight / (penalty + Math.log(penalty) + 1)
  const radius =
    Math.sqrt((information + r) * (Math.log((information + r) / r) + penalty)) / information
  const difference = shareOf(green) - shareOf(blue)
  return { difference, lower: difference - radius, upper: difference + radius }
}

/**
 * Judges an experiment: it passes once green's share is above blue's by more than `gain` for sure,
 * fails once it is not for sure, and is open until then.
 * @param least of the plan: trials of each colour that it asks for
 */
export function judgeExperiment(
  green: Trials,
  blue: Trials,
  { gain, alpha }: { gain: number; alpha: number },
  least: number,
): Judgement {
  const [ours, theirs] = [sound(green), sound(blue)]
  if (!ours || !theirs) {
    return {
      result: 'inconclusive',
      reason: `green ${numbers(green)}, blue ${numbers(blue)}, which are no counts of trials and their successes`,
    }
  }
  const needed = Math.max(least, LEAST_TRIALS)
  const interval = confidenceSequence(ours, theirs, alpha)
  const measured = `green ${numbers(ours)}, blue ${numbers(theirs)}`
  if (!interval || ours.trials < needed || theirs.trials < needed) {
    return { result: 'inconclusive', reason: `${measured}; it takes ${needed} of each` }
  }
  const { difference, lower, upper } = interval
  const bounds = `${points(difference)} (${points(lower)} to ${points(upper)} at ${shareText(1 - alpha)}), must gain more than ${points(gain)}`
  const result = lower > gain ? 'passed' : upper < gain ? 'failed' : 'inconclusive'
  return { result, reason: `${measured}: ${bounds}` }
}

function shareOf({ successes, trials }: Trials): number {
  return successes / trials
}

function varianceOf({ successes, trials }: Trials): number {
  const share = (successes + 1) / (trials + 2)
  return share * (1 - share)
}

/** Prometheus extrapolates an increase, so that successes may come out a hair above the trials. */
function sound({ successes, trials }: Trials): Trials | undefined {
  if (!Number.isFinite(successes) || !Number.isFinite(trials)) return undefined
  if (successes < 0 || trials < 0 || successes > trials * 1.05 + 1) return undefined
  return { successes: Math.min(successes, trials), trials }
}

function numbers({ successes, trials }: Trials): string {
  const share = trials > 0 ? ` (${shareText(successes / trials)})` : ''
  return `${Math.round(successes)} of ${Math.round(trials)}${share}`
}

function points(share: number): string {
  return `${share < 0 ? '-' : ''}${Number((Math.abs(share) * 100).toPrecision(3))}%`
}
