import type pg from 'pg'
import { Refused } from '../platform.ts'
import { type Database, quoteName, withSession } from './database.ts'

/**
 * Puts a restored database in the place of the live one. The live one is kept under another name,
 * and its owner, rights and settings go to its successor. Everything that renames is one
 * transaction: the live name always is one of the two, whole.
 */
export async function swapDatabases(
  live: Database,
  restored: string,
  replaced: string,
  progress: (message: string) => void,
): Promise<void> {
  await besides(live, async (client) => {
    await dressLike(client, live.name, restored)
    progress(`restore: no new sessions on ${live.name}, and its present ones end`)
    await allowSessions(client, live.name, false)
    try {
      await client.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = any($1::name[]) and pid <> pg_backend_pid()`,
        [[live.name, restored]],
      )
      await client.query('begin')
      await client.query(`alter database ${quoteName(live.name)} rename to ${quoteName(replaced)}`)
      await client.query(`alter database ${quoteName(restored)} rename to ${quoteName(live.name)}`)
      await client.query('commit')
    } catch (error) {
      await client.query('rollback').catch(() => {})
      await allowSessions(client, live.name, true)
      throw error
    }
    await allowSessions(client, replaced, true)
    progress(`restore: ${live.name} is the restored one; the former one is ${replaced}`)
  })
}

/** A session on the server that is on neither of the two: a database in use has no other name. */
async function besides(live: Database, use: (client: pg.Client) => Promise<void>): Promise<void> {
  const other = ['postgres', 'template1'].filter((name) => name !== live.name)[0] as string
  await withSession(live.on(other), use)
}

async function allowSessions(client: pg.Client, name: string, allowed: boolean): Promise<void> {
  await client.query(`alter database ${quoteName(name)} allow_connections ${allowed}`)
}

/** Gives a database the owner, the rights and the settings of another; dumps do not hold them. */
async function dressLike(client: pg.Client, model: string, name: string): Promise<void> {
  const { rows } = await client.query(
    `select oid, pg_get_userbyid(datdba) as owner, datconnlimit as connections, datacl is not null as rights
     from pg_database where datname = $1`,
    [model],
  )
  const found = rows[0]
  if (!found) throw new Refused(`there is no live database ${model} to overwrite`)
  const target = quoteName(name)
  await client.query(`alter database ${target} owner to ${quoteName(found.owner)}`)
  await client.query(`alter database ${target} connection limit ${Number(found.connections)}`)
  if (found.rights) await copyRights(client, found.oid, target)
  const settings = await client.query(
    `select setting, case when setrole = 0 then null else pg_get_userbyid(setrole) end as role
     from pg_db_role_setting, unnest(setconfig) as setting where setdatabase = $1`,
    [found.oid],
  )
  for (const { setting, role } of settings.rows) await copySetting(client, target, setting, role)
}

async function copyRights(client: pg.Client, model: number, target: string): Promise<void> {
  const { rows } = await client.query(
    `select privilege_type as privilege, is_grantable as grantable,
       case when grantee = 0 then null else pg_get_userbyid(grantee) end as role
     from pg_database, aclexplode(datacl) where pg_database.oid = $1`,
    [model],
  )
  await client.query(`revoke all on database ${target} from public`)
  for (const { privilege, grantable, role } of rows) {
    const to = role === null ? 'public' : quoteName(role)
    const option = grantable ? ' with grant option' : ''
    await client.query(`grant ${privilege} on database ${target} to ${to}${option}`)
  }
}

async function copySetting(
  client: pg.Client,
  target: string,
  setting: string,
  role: string | null,
): Promise<void> {
  const at = setting.indexOf('=')
  const name = setting.slice(0, at).split('.').map(quoteName).join('.')
  const value = setting.slice(at + 1)
  // A list is kept in its written form already; quoting it again would make one name of it.
  const isList = LISTS.has(setting.slice(0, at).toLowerCase())
  const written = isList ? value || "''" : quoteValue(client, value)
  const whom = role === null ? '' : `role ${quoteName(role)} in `
  await client.query(`alter ${whom}database ${target} set ${name} to ${written}`)
}

const quoteValue = (client: pg.Client, value: string) => client.escapeLiteral(value)

/** The settings that hold lists of names, as pg_dump has them. */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])
