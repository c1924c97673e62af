import { parse } from 'yaml'
import { type CaseResult, checkCase, judgeCases, parseCases } from '../../rollout/cases.ts'
import { noAnswer } from '../no-answer.ts'
import { askColour, inTurn, serviceOf } from './ask.ts'
import type { GateContext, GateKind } from './context.ts'

type Case = ReturnType<typeof parseCases>[number]

/** A table of requests and what green must answer, asked past the router. */
export const rules: GateKind = {
  running: 'asks its cases',
  traffic: false,
  async judge(context) {
    const file = context.gate.cases as string
    const cases = parseCases(parse(await context.around.readFile(file)), file)
    const results: CaseResult[] = []
    for (const [turn, one] of cases.entries()) {
      if (context.stopped.aborted) break
      results.push(await askOnce(context, one, turn))
    }
    return judgeCases(results)
  },
}

async function askOnce(
  { plan, around, stopped }: GateContext,
  one: Case,
  turn: number,
): Promise<CaseResult> {
  const { name, request } = one
  const open = (error: string): CaseResult => ({ name, failures: [], error })
  const service = serviceOf(plan, request.path)
  if (service === undefined) return open(`no service has ${request.path} among its routes`)
  try {
    const url = inTurn(await around.urlsOf(plan, service, 'green', request.path), turn)
    if (url === undefined) return open(`green of ${service} has no address`)
    const sent = sentAs(request)
    const asked = { ...sent, headers: { ...sent.headers, ...around.headersOf?.('green') } }
    return { name, failures: checkCase(one, await askColour(url, asked, stopped)) }
  } catch (error) {
    return open(`no answer, ${noAnswer(error)}`)
  }
}

/** A body that is no text goes as JSON, and says so unless the case does. */
function sentAs({ method, headers, body }: Case['request']) {
  if (body === undefined || typeof body === 'string') return { method, headers, body }
  const said = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type')
  return {
    method,
    headers: said ? headers : { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}
