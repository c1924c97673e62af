-- The monolith's tables, the events that the services exchange, and where each reader is.
create table if not exists partners (id uuid primary key, nombre text not null, estado text not null, created_at timestamptz not null default now());
create table if not exists commissions (id int primary key, partner_id uuid not null, centimos int not null);
create table if not exists campaigns (
  id uuid primary key, partner_id uuid not null, nombre varchar(255) not null, descripcion text,
  presupuesto decimal(10,2), estado varchar(50), fecha_inicio date, fecha_fin date,
  created_at timestamp default now(), updated_at timestamp default now());
create table if not exists campaign_performance (
  id uuid primary key, campaign_id uuid references campaigns(id), metricas jsonb, fecha date,
  created_at timestamp default now());
create table if not exists contracts (
  id uuid primary key, partner_id uuid not null unique, tipo_contrato text not null, estado text not null);
create table if not exists contract_events (
  aggregate_id uuid not null, version int not null, event_type text not null, event_data jsonb not null,
  at timestamptz not null default now(), primary key (aggregate_id, version));
create table if not exists partner_permissions (
  partner_id uuid primary key, can_create_campaigns boolean not null, max_budget_limit decimal(10,2) not null);
create table if not exists events (
  id bigserial primary key, type text not null, payload jsonb not null, at timestamptz not null default clock_timestamp());
create table if not exists event_readings (
  reader text not null, event bigint not null, at timestamptz not null default clock_timestamp(), primary key (reader, event));
insert into partners
  select ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'Partner ' || n, 'ACTIVE'
  from generate_series(1, 100) n on conflict do nothing;
insert into commissions
  select n, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, n * 100
  from generate_series(1, 100) n on conflict do nothing;
insert into campaigns (id, partner_id, nombre, descripcion, presupuesto, estado, fecha_inicio, created_at, updated_at)
  select ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid,
    ('00000000-0000-4000-8000-' || lpad((1 + n % 100)::text, 12, '0'))::uuid,
    'Campaign ' || n, 'Spring', 100 + n, 'ACTIVE', date '2025-03-01', timestamp '2025-03-01', timestamp '2025-03-01'
  from generate_series(1, 1200) n on conflict do nothing;
insert into campaign_performance (id, campaign_id, metricas, fecha, created_at)
  select ('00000000-0000-4000-a000-' || lpad(n::text, 12, '0'))::uuid,
    ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid,
    jsonb_build_object('clicks', n), date '2025-03-02', timestamp '2025-03-02'
  from generate_series(1, 1200) n on conflict do nothing;
