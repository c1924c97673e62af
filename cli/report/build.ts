import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RolloutEvent } from '../../platforms/store.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Plan } from '../../rollout/plan.ts'
import { chartsOf, marksOf } from './charts.ts'
import {
  checkpointsTable,
  floorsTable,
  gainsTable,
  kpisTable,
  type Outcome,
  operationsTable,
} from './outcome.ts'
import type { Samples } from './samples.ts'
import { backupsTable, limitsTable, positionsTable, type Table, tripsTable } from './tables.ts'

const uplot = dirname(fileURLToPath(import.meta.resolve('uplot')))
const own = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8')
const UPLOT_SCRIPT = readFileSync(join(uplot, 'uPlot.iife.min.js'), 'utf8')
const UPLOT_STYLE = readFileSync(join(uplot, 'uPlot.min.css'), 'utf8')
const PAGE_SCRIPT = own('page.js')
const PAGE_STYLE = own('page.css')

/**
 * The report of a rollout as one HTML page that needs nothing else. Pure: equal inputs give equal
 * text.
 *
 * @param events the history, oldest first
 * @param samples what Prometheus measured; without any, the page has no plots
 * @param outcome targets, gains and the recommendation
 */
export function buildReport(
  events: readonly RolloutEvent[],
  samples: Samples,
  plan: Plan,
  journal: Journal | undefined,
  latch: Latch | undefined,
  outcome: Outcome = { kpis: [], gains: [], floors: [] },
): string {
  const charts = chartsOf(samples, plan, journal)
  const data = { times: samples.times, charts, marks: marksOf(events) }
  const from = events[0]?.at ?? '-'
  const to = events.at(-1)?.at ?? '-'
  const state = latch?.latched
    ? `LATCHED at ${journal?.verified.position ?? 'an unknown position'}`
    : `at ${journal?.verified.position ?? 'an unknown position'}, attempt ${journal?.attempt ?? 1}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(plan.name)}: rollout report</title>
<style>${UPLOT_STYLE}
${PAGE_STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(plan.name)}</h1>
<p class="${latch?.latched ? 'bad' : 'good'}">${escapeHtml(state)}</p>
<p>${escapeHtml(from)} to ${escapeHtml(to)}, plan ${escapeHtml(journal?.planHash ?? '-')}</p>
${adviceHtml(outcome)}</header>
<main>
${[kpisTable(outcome), gainsTable(outcome), tripsTable(events, latch), positionsTable(events, samples, plan, journal)].map(tableHtml).join('\n')}
<section><h2>Over time</h2>
${charts.length > 0 ? '<div id="charts"></div>' : '<p class="dim">Prometheus had no samples.</p>'}
</section>
${[limitsTable(events, plan), operationsTable(journal), checkpointsTable(journal), backupsTable(journal), floorsTable(outcome)].map(tableHtml).join('\n')}
${timelineHtml(events)}
</main>
<script type="application/json" id="data">${embed(data)}</script>
<script>${UPLOT_SCRIPT}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`
}

/** JSON that cannot end the script element it stands in, whatever its texts are. */
export function embed(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Text as it may stand anywhere in HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}

function tableHtml({ title, heading, rows, empty }: Table): string {
  const row = (cells: string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`
  const body =
    rows.length > 0
      ? `<div class="scroll"><table><thead>${row(heading, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table></div>`
      : `<p class="dim">${escapeHtml(empty)}</p>`
  return `<section><h2>${escapeHtml(title)}</h2>${body}</section>`
}

function adviceHtml({ recommendation }: Outcome): string {
  if (!recommendation) return ''
  const { advice, reason } = recommendation
  const tone = advice === 'proceed' ? 'good' : 'bad'
  return `<p><b class="${tone}">Recommendation: ${escapeHtml(advice)}</b>, as ${escapeHtml(reason)}</p>\n`
}

function timelineHtml(events: readonly RolloutEvent[]): string {
  const items = events.map(
    ({ at, kind, message, severity }) =>
      `<li class="${escapeHtml(severity)}"><time>${escapeHtml(at)}</time> <b>${escapeHtml(kind)}</b> <span>${escapeHtml(message)}</span></li>`,
  )
  return `<section><h2>Events</h2><ol class="events">${items.join('\n')}</ol></section>`
}
