create table if not exists users (id text primary key, email text not null);
create table if not exists removed_code (one boolean primary key default true check (one), at timestamptz not null default now());
create table if not exists sessions (token text primary key, user_id text not null, at timestamptz not null default now());
create table if not exists analysis_requests (
  id text primary key, user_id text not null, original_filename varchar(255), file_path varchar(500), status varchar(50));
create table if not exists reviews (id int primary key, resume text not null);
insert into users select 'user-' || n, 'user-' || n || '@example.com' from generate_series(0, 999) n on conflict do nothing;
insert into reviews select n, 'Led a team of ' || n || '. Cut costs by ' || (n % 40) || ' %. TypeScript, SQL.'
  from generate_series(1, 200) n on conflict do nothing;
