-- What the server of commit 5a95e38, at version 0002 and with DBOS, left when it was killed.
-- All times are moved to June 2025 together. Never edited.
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE api_keys (
	key_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	digest BLOB NOT NULL,
	hint TEXT NOT NULL,
	spending_cap_micros BIGINT,
	spent_micros BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT,
	revoked_at BIGINT,
	PRIMARY KEY (key_id),
	CONSTRAINT ck_api_keys_role CHECK (role IN ('owner', 'editor', 'viewer')),
	FOREIGN KEY(workspace_id) REFERENCES workspaces (workspace_id),
	UNIQUE (digest)
);
INSERT INTO "api_keys" VALUES('key_01m8f1wk4bqwjeyptr8377dapc','ws_01m8f1wk46shd09yq7xbhbnncd','first key','owner',X'78963DB1A6429DC7864E14E1D5040CFAEDE34BD88AFF30BEA99DA6E06F2B4FBA','rded',NULL,0,1750001631878,NULL,NULL);
INSERT INTO "api_keys" VALUES('key_01m8f1wk9096m30vj83q6216bq','ws_01m8f1wk8wn6smnkbm5btdqxpq','capped','editor',X'3D2652E1FD28C39CA60FAE2D1D05BFB2E83E4DF04625A530AA0EA0960BA456EC','dhsf',5000000,307400,1750001632027,NULL,NULL);
INSERT INTO "api_keys" VALUES('key_01m8f1wk91qzqgfjq1s66gp1ah','ws_01m8f1wk8wn6smnkbm5btdqxpq','uncapped','editor',X'BC59BEC17D34C31457CF6E978ED7F1F0C1FF87EB7EA4513F819650675218E59A','d5td',NULL,0,1750001632027,NULL,NULL);
CREATE TABLE application_versions (
    version_id TEXT NOT NULL PRIMARY KEY,
    version_name TEXT NOT NULL UNIQUE,
    version_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL);
INSERT INTO "application_versions" VALUES('ff0e4421-04af-4c6c-b33e-4d51d8bb431a','1',1750001632000,1750001632000,'terrarium');
CREATE TABLE canvas_boards (
	project_id TEXT NOT NULL,
	places INTEGER NOT NULL,
	PRIMARY KEY (project_id)
);
INSERT INTO "canvas_boards" VALUES('prj_01m8f1wk490xns7qddthqjsbsp',8);
INSERT INTO "canvas_boards" VALUES('prj_01m8f1wk8z7rnycg6n89wnav1x',24);
CREATE TABLE canvas_nodes (
	node_id TEXT NOT NULL,
	project_id TEXT NOT NULL,
	place INTEGER NOT NULL,
	beside INTEGER NOT NULL,
	type TEXT NOT NULL,
	label TEXT,
	run_id TEXT,
	output_id TEXT,
	width INTEGER,
	height INTEGER,
	x INTEGER NOT NULL,
	y INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (node_id),
	CONSTRAINT uq_canvas_nodes_place UNIQUE (project_id, place, beside)
);
INSERT INTO "canvas_nodes" VALUES('f3c37cd6-d05f-4e38-ad42-83b6720a9b2b','prj_01m8f1wk490xns7qddthqjsbsp',0,0,'image','a red cube','run_01m8f1wke0hwz6n9jhba8dpkda','out_01m8f1wkedwvqmvnvhm56mpdg4',8,8,0,0,1750001632192);
INSERT INTO "canvas_nodes" VALUES('70f36344-b170-4615-b3a1-85af3bbed004','prj_01m8f1wk490xns7qddthqjsbsp',1,0,'image','a blue ball','run_01m8f1wked1f65fec0zv87cphf','out_01m8f1wkfb8qcm1f8fwdawyw73',8,8,360,0,1750001632205);
INSERT INTO "canvas_nodes" VALUES('3126f4b1-0f6c-4957-a481-1ed0f52bdb0e','prj_01m8f1wk8z7rnycg6n89wnav1x',0,0,'text','a haiku','run_01m8f1wkerx6w6sv7w5m1eawe0','out_01m8f1wkfter4x4ry59ax4err1',NULL,NULL,0,0,1750001632216);
INSERT INTO "canvas_nodes" VALUES('f7858eb3-5955-4092-a75e-fdb4101fb4ad','prj_01m8f1wk8z7rnycg6n89wnav1x',1,0,'image','made on the second','run_01m8f1wkf4zq9fd53f72x4qqar','out_01m8f1wkfykfcc0hzjw5efxtfh',8,8,360,0,1750001632228);
INSERT INTO "canvas_nodes" VALUES('d2e093ee-fb46-4cd1-9143-2f6b679c6dae','prj_01m8f1wk490xns7qddthqjsbsp',2,0,'image','refused','run_01m8f1wkfhgtsswfqr441tnk7r',NULL,NULL,NULL,720,0,1750001632241);
INSERT INTO "canvas_nodes" VALUES('f2f077de-c64d-45ca-bff1-15af4c083986','prj_01m8f1wk8z7rnycg6n89wnav1x',2,0,'image','refused','run_01m8f1wkfz4b6t8twcyvngq51w',NULL,NULL,NULL,720,0,1750001632255);
INSERT INTO "canvas_nodes" VALUES('7157db13-ae5f-4085-9f04-de92ac4fbe79','prj_01m8f1wk8z7rnycg6n89wnav1x',3,0,'image','cancelled while running','run_01m8f1wkkv1g2ahb9pqzmrn4rw',NULL,NULL,NULL,1080,0,1750001632379);
INSERT INTO "canvas_nodes" VALUES('25559ea1-5983-4620-a85c-ddddfb8004b9','prj_01m8f1wk8z7rnycg6n89wnav1x',4,0,'image','waits through two deaths','run_01m8f1wm782ancmp2y4qhbgy34',NULL,NULL,NULL,0,360,1750001633000);
INSERT INTO "canvas_nodes" VALUES('ee34e108-00db-4998-909f-de3267ff837c','prj_01m8f1wk8z7rnycg6n89wnav1x',5,0,'image','free through two deaths','run_01m8f1wm7j5sfa95g60sdhp7cq',NULL,NULL,NULL,360,360,1750001633010);
INSERT INTO "canvas_nodes" VALUES('de4752cc-521b-4d24-9b84-9c21f1b76361','prj_01m8f1wk490xns7qddthqjsbsp',3,0,'image','waits','run_01m8f1wqb8r81qam2e5wqhwdkh',NULL,NULL,NULL,1080,0,1750001636200);
INSERT INTO "canvas_nodes" VALUES('7a0c18a9-4d89-4c2b-9fe0-34534713d43f','prj_01m8f1wk8z7rnycg6n89wnav1x',6,0,'image','shows a preview','run_01m8f1wqc252d0y86xveg408mq',NULL,NULL,NULL,720,360,1750001636226);
INSERT INTO "canvas_nodes" VALUES('a293bf49-cf6a-488d-a66a-ae2a1953d495','prj_01m8f1wk8z7rnycg6n89wnav1x',7,0,'image','free','run_01m8f1wqcjd7dk2bhgcxkx3kqd',NULL,NULL,NULL,1080,360,1750001636242);
INSERT INTO "canvas_nodes" VALUES('c165c308-70cd-4146-81e7-25c9b8459655','prj_01m8f1wk8z7rnycg6n89wnav1x',8,0,'image','claimed only','run_01m8f1wqd0a8tcj967mnk12c0n',NULL,NULL,NULL,0,720,1750001636256);
INSERT INTO "canvas_nodes" VALUES('4ecba612-22c5-46c6-851c-8d1e1373dcd8','prj_01m8f1wk8z7rnycg6n89wnav1x',9,0,'image','never submitted','run_01m8f1wqd7wky23eyj9448vcqs',NULL,NULL,NULL,360,720,1750001636263);
INSERT INTO "canvas_nodes" VALUES('cb70e741-d86d-481b-b457-2d72dcf8a412','prj_01m8f1wk8z7rnycg6n89wnav1x',10,0,'image','second after a refusal','run_01m8f1wqdcegbq6zagc5c61svw',NULL,NULL,NULL,720,720,1750001636268);
INSERT INTO "canvas_nodes" VALUES('26b05d29-6c5d-46b9-bf0c-1eaabaae2648','prj_01m8f1wk8z7rnycg6n89wnav1x',11,0,'image','second after being busy','run_01m8f1wqdqytc4qeb7t6mapxcq',NULL,NULL,NULL,1080,720,1750001636279);
INSERT INTO "canvas_nodes" VALUES('2327badd-6996-4380-b595-e67d0bc8f5c1','prj_01m8f1wk490xns7qddthqjsbsp',4,0,'image','second after a failure','run_01m8f1wqdvpy37akhyxj1x2t6j',NULL,NULL,NULL,0,360,1750001636283);
INSERT INTO "canvas_nodes" VALUES('4af8e7e2-6298-4611-a842-cafbf17c3757','prj_01m8f1wk8z7rnycg6n89wnav1x',12,0,'image','second after a failure, second one gone','run_01m8f1wqeberyw7rdbrv9d0fjr',NULL,NULL,NULL,0,1080,1750001636299);
INSERT INTO "canvas_nodes" VALUES('dcc1d3d8-c165-4842-b253-3d4033cd5da2','prj_01m8f1wk490xns7qddthqjsbsp',5,0,'image','second after a free one','run_01m8f1wqf7rryp4nt5b5qt722c',NULL,NULL,NULL,360,360,1750001636327);
INSERT INTO "canvas_nodes" VALUES('1e610670-9de1-43b2-964b-19b73c580a67','prj_01m8f1wk8z7rnycg6n89wnav1x',13,0,'image','free one with a paid second','run_01m8f1wqfnph17v4y44e0fm9gp',NULL,NULL,NULL,360,1080,1750001636341);
INSERT INTO "canvas_nodes" VALUES('9301dbc9-605e-454e-a560-2e97ae4a0458','prj_01m8f1wk8z7rnycg6n89wnav1x',14,0,'image','busy, then a ticket','run_01m8f1wqfscnxpdphz3zagwjf8',NULL,NULL,NULL,720,1080,1750001636345);
INSERT INTO "canvas_nodes" VALUES('719da4ca-0ef1-4bf0-82a3-64ecf4dcecce','prj_01m8f1wk8z7rnycg6n89wnav1x',15,0,'image','busy twice on each','run_01m8f1wqfy4znzv5835fq2dh1x',NULL,NULL,NULL,1080,1080,1750001636350);
INSERT INTO "canvas_nodes" VALUES('a3d3e1ed-e86e-40a1-b5e1-3bf2c7765604','prj_01m8f1wk8z7rnycg6n89wnav1x',16,0,'image','busy, then nothing','run_01m8f1wqgxtvk7jxwrqdq2wmty',NULL,NULL,NULL,0,1440,1750001636381);
INSERT INTO "canvas_nodes" VALUES('a7be8bca-3f3c-427b-9dac-647a95c96e55','prj_01m8f1wk8z7rnycg6n89wnav1x',17,0,'image','refused, not failed yet','run_01m8f1wqhmtb86etpvzekzx5g2',NULL,NULL,NULL,360,1440,1750001636404);
INSERT INTO "canvas_nodes" VALUES('0200c2ad-6e8f-4085-8dbd-c97ecd463c5f','prj_01m8f1wk8z7rnycg6n89wnav1x',18,0,'image','refused twice, not failed yet','run_01m8f1wqk13ss42rqt1gba234m',NULL,NULL,NULL,720,1440,1750001636449);
INSERT INTO "canvas_nodes" VALUES('b22cf412-46bd-4bfb-b069-2c421003e90e','prj_01m8f1wk8z7rnycg6n89wnav1x',19,0,'image','refused, second never submitted','run_01m8f1wqkfneh6rx2c2f1m38zh',NULL,NULL,NULL,1080,1440,1750001636463);
INSERT INTO "canvas_nodes" VALUES('a0a6cffa-0995-4704-ac5b-3af7d50dfd1d','prj_01m8f1wk8z7rnycg6n89wnav1x',20,0,'image','of a model that is gone','run_01m8f1wqmvkdas548t2fyzm2dg',NULL,NULL,NULL,0,1800,1750001636507);
INSERT INTO "canvas_nodes" VALUES('9c71a259-bcab-44f0-8f32-ab1e28b718ee','prj_01m8f1wk8z7rnycg6n89wnav1x',21,0,'text','a text under way','run_01m8f1wqn64sha1bh1y4ywymqv',NULL,NULL,NULL,360,1800,1750001636518);
INSERT INTO "canvas_nodes" VALUES('d120d433-7d60-4689-924d-86cb2359692c','prj_01m8f1wk490xns7qddthqjsbsp',6,0,'image','pending','run_01m8f1wvebm9mgzw859mvyjzwj',NULL,NULL,NULL,720,360,1750001640395);
INSERT INTO "canvas_nodes" VALUES('e4a48de1-f30e-4b2c-ad19-c1e2911aca97','prj_01m8f1wk8z7rnycg6n89wnav1x',22,0,'image','pending','run_01m8f1wvemjhvcqt5qp94ve8mh',NULL,NULL,NULL,720,1800,1750001640404);
INSERT INTO "canvas_nodes" VALUES('c7a26540-e9e9-47ee-8069-66677f99764d','prj_01m8f1wk8z7rnycg6n89wnav1x',23,0,'image','pending, model gone','run_01m8f1wvesh132gd43zcebqfbd',NULL,NULL,NULL,1080,1800,1750001640409);
INSERT INTO "canvas_nodes" VALUES('82a68ddf-0d4a-4816-ab3f-ce4b376f1036','prj_01m8f1wk490xns7qddthqjsbsp',7,0,'image','cancelled while pending','run_01m8f1wvey5hev7074xpxhqgws',NULL,NULL,NULL,1080,360,1750001640414);
CREATE TABLE dbos_migrations (version INTEGER NOT NULL PRIMARY KEY);
INSERT INTO "dbos_migrations" VALUES(125);
CREATE TABLE idempotency_keys (
	workspace_id TEXT NOT NULL,
	operation TEXT NOT NULL,
	"key" TEXT NOT NULL,
	run_id TEXT NOT NULL,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (workspace_id, operation, "key")
);
INSERT INTO "idempotency_keys" VALUES('ws_01m8f1wk46shd09yq7xbhbnncd','generation','only once','run_01m8f1wke0hwz6n9jhba8dpkda',1750008832192);
INSERT INTO "idempotency_keys" VALUES('ws_01m8f1wk46shd09yq7xbhbnncd','generation','pending once','run_01m8f1wvebm9mgzw859mvyjzwj',1750008840395);
CREATE TABLE ledger_balances (
	workspace_id TEXT NOT NULL,
	balance_micros BIGINT NOT NULL,
	PRIMARY KEY (workspace_id),
	CONSTRAINT ck_ledger_balances_not_negative CHECK (balance_micros >= 0)
);
INSERT INTO "ledger_balances" VALUES('ws_01m8f1wk46shd09yq7xbhbnncd',99943400);
INSERT INTO "ledger_balances" VALUES('ws_01m8f1wk8wn6smnkbm5btdqxpq',19637600);
CREATE TABLE ledger_entries (
	entry_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	amount_micros BIGINT NOT NULL,
	run_id TEXT,
	phase TEXT,
	note TEXT,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (entry_id),
	CONSTRAINT ck_ledger_entries_kind CHECK (kind IN ('grant', 'hold', 'settle', 'release')),
	CONSTRAINT uq_ledger_entries_run_phase UNIQUE (run_id, phase)
);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wk46vymrnv66dbbn49g1','ws_01m8f1wk46shd09yq7xbhbnncd','grant',100000000,NULL,NULL,'first start',1750001631878);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wk8v5qt0z2czsvp209db','ws_01m8f1wk8wn6smnkbm5btdqxpq','grant',20000000,NULL,NULL,'for the recording',1750001632027);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wke0f0fdgnvp9a4nre4v','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-4000,'run_01m8f1wke0hwz6n9jhba8dpkda','open',NULL,1750001632192);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkedy80s9xpjtt9q0psg','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-12300,'run_01m8f1wked1f65fec0zv87cphf','open',NULL,1750001632205);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkeez0feab9p2j893e9w','ws_01m8f1wk46shd09yq7xbhbnncd','settle',0,'run_01m8f1wke0hwz6n9jhba8dpkda','close',NULL,1750001632206);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkeradbrb649g21rcxmp','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-1000,'run_01m8f1wkerx6w6sv7w5m1eawe0','open',NULL,1750001632216);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkf4jwdhbjfgmrpd46vz','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-30000,'run_01m8f1wkf4zq9fd53f72x4qqar','open',NULL,1750001632228);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkfhy0fcgarf004d2a90','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-12300,'run_01m8f1wkfhgtsswfqr441tnk7r','open',NULL,1750001632241);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkfd8krn5zgjhs4ttfbk','ws_01m8f1wk46shd09yq7xbhbnncd','settle',0,'run_01m8f1wked1f65fec0zv87cphf','close',NULL,1750001632237);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkfzbrqb4x3exwkjy4z2','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wkfz4b6t8twcyvngq51w','open',NULL,1750001632255);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkft9w9q71d006ymjrps','ws_01m8f1wk8wn6smnkbm5btdqxpq','settle',0,'run_01m8f1wkerx6w6sv7w5m1eawe0','close',NULL,1750001632250);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkfzq81y82439kqbbgg9','ws_01m8f1wk8wn6smnkbm5btdqxpq','settle',0,'run_01m8f1wkf4zq9fd53f72x4qqar','close',NULL,1750001632255);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkgvr80mqb393k6k27z2','ws_01m8f1wk8wn6smnkbm5btdqxpq','release',12300,'run_01m8f1wkfz4b6t8twcyvngq51w','close',NULL,1750001632283);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkgz0rgd1q07pnacxmp4','ws_01m8f1wk46shd09yq7xbhbnncd','release',12300,'run_01m8f1wkfhgtsswfqr441tnk7r','close',NULL,1750001632287);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wkkvc6at2hcbycdvjkp0','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wkkv1g2ahb9pqzmrn4rw','open',NULL,1750001632379);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wm730styqy9qbyxn6thh','ws_01m8f1wk8wn6smnkbm5btdqxpq','release',12300,'run_01m8f1wkkv1g2ahb9pqzmrn4rw','close',NULL,1750001632995);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wm7866bv4r3326vpcgvt','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wm782ancmp2y4qhbgy34','open',NULL,1750001633000);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wm7jva0ymdqef7st008t','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-4000,'run_01m8f1wm7j5sfa95g60sdhp7cq','open',NULL,1750001633010);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqb87c8fzzvw1sycwm3z','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-12300,'run_01m8f1wqb8r81qam2e5wqhwdkh','open',NULL,1750001636200);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqc270azp0am8fgcee0e','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wqc252d0y86xveg408mq','open',NULL,1750001636226);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqcj2kt2wz2pfmb9pv9q','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-4000,'run_01m8f1wqcjd7dk2bhgcxkx3kqd','open',NULL,1750001636242);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqd069880xm4deyrg67r','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wqd0a8tcj967mnk12c0n','open',NULL,1750001636256);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqd7s8xtgkqypsdm2f04','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wqd7wky23eyj9448vcqs','open',NULL,1750001636263);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqdc6ej1jwbe6xj4t0ds','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-20000,'run_01m8f1wqdcegbq6zagc5c61svw','open',NULL,1750001636268);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqdq46x9ee102amprwjp','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-20000,'run_01m8f1wqdqytc4qeb7t6mapxcq','open',NULL,1750001636279);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqdvdfe2pmd4cfts2zrx','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-20000,'run_01m8f1wqdvpy37akhyxj1x2t6j','open',NULL,1750001636283);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqebd4vrazntxvmm8t50','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-20000,'run_01m8f1wqeberyw7rdbrv9d0fjr','open',NULL,1750001636299);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqf7w6gg3va5f5a5f7hj','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-4000,'run_01m8f1wqf7rryp4nt5b5qt722c','open',NULL,1750001636327);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqfnpqke704b2kvfv0nz','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-4000,'run_01m8f1wqfnph17v4y44e0fm9gp','open',NULL,1750001636341);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqfs195e49zn1jf58a22','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wqfscnxpdphz3zagwjf8','open',NULL,1750001636345);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqfyk52v7rppme1wkvy5','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-20000,'run_01m8f1wqfy4znzv5835fq2dh1x','open',NULL,1750001636350);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqgxzn0nfbhqph9mvm5w','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wqgxtvk7jxwrqdq2wmty','open',NULL,1750001636381);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqhm77st96a5ptz2jdfc','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wqhmtb86etpvzekzx5g2','open',NULL,1750001636404);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqk1afs58g4xya5z88kh','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-20000,'run_01m8f1wqk13ss42rqt1gba234m','open',NULL,1750001636449);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqkfekf0cvckm99jbg33','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-20000,'run_01m8f1wqkfneh6rx2c2f1m38zh','open',NULL,1750001636463);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqmv27v7x6dv5rhvpwe4','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-50000,'run_01m8f1wqmvkdas548t2fyzm2dg','open',NULL,1750001636507);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wqn69w4wrqbkpehw9vz0','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-1000,'run_01m8f1wqn64sha1bh1y4ywymqv','open',NULL,1750001636518);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wvebwd0xfed7hq0azgq9','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-4000,'run_01m8f1wvebm9mgzw859mvyjzwj','open',NULL,1750001640395);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wvem62a3nzgs87rtkr1j','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-12300,'run_01m8f1wvemjhvcqt5qp94ve8mh','open',NULL,1750001640404);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wvesra10759ys6g6w7cr','ws_01m8f1wk8wn6smnkbm5btdqxpq','hold',-50000,'run_01m8f1wvesh132gd43zcebqfbd','open',NULL,1750001640409);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wveytkx43v0m8fb89ped','ws_01m8f1wk46shd09yq7xbhbnncd','hold',-4000,'run_01m8f1wvey5hev7074xpxhqgws','open',NULL,1750001640414);
INSERT INTO "ledger_entries" VALUES('led_01m8f1wvf26ev5hs7ec45mxba6','ws_01m8f1wk46shd09yq7xbhbnncd','release',4000,'run_01m8f1wvey5hev7074xpxhqgws','close',NULL,1750001640418);
CREATE TABLE members (
	member_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	email TEXT NOT NULL,
	role TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (member_id),
	CONSTRAINT ck_members_role CHECK (role IN ('owner', 'editor', 'viewer')),
	FOREIGN KEY(workspace_id) REFERENCES workspaces (workspace_id),
	CONSTRAINT uq_members_workspace_email UNIQUE (workspace_id, email)
);
CREATE TABLE notifications (
    message_uuid TEXT NOT NULL DEFAULT (hex(randomblob(16))) PRIMARY KEY,
    destination_uuid TEXT NOT NULL,
    topic TEXT,
    message TEXT NOT NULL,
    created_at_epoch_ms INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000), "serialization" TEXT DEFAULT NULL, "consumed" BOOLEAN NOT NULL DEFAULT FALSE, consumed_by_function_id INTEGER,
    FOREIGN KEY (destination_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE "operation_outputs" (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    function_name TEXT NOT NULL DEFAULT '',
    output TEXT,
    error TEXT,
    child_workflow_id TEXT,
    started_at_epoch_ms INTEGER,
    completed_at_epoch_ms INTEGER,
    serialization TEXT,
    application_name TEXT DEFAULT NULL,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    PRIMARY KEY (workflow_uuid, function_id)
);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wked1f65fec0zv87cphf',1,'submit','gASVKAAAAAAAAAB9lIwGdGlja2V0lIwYcGFpZC8xL2ltYWdlL2EgYmx1ZSBiYWxslHMu',NULL,NULL,1750001632225,1750001632227,'py_pickle','terrarium',1750001632000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wkerx6w6sv7w5m1eawe0',1,'submit','gASVIwAAAAAAAAB9lIwGdGlja2V0lIwTcGFpZC8yL3RleHQvYSBoYWlrdZRzLg==',NULL,NULL,1750001632238,1750001632239,'py_pickle','terrarium',1750001632000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wkf4zq9fd53f72x4qqar',1,'submit','gASVMQAAAAAAAAB9lIwGdGlja2V0lIwhc2Vjb25kLzEvaW1hZ2UvbWFkZSBvbiB0aGUgc2Vjb25klHMu',NULL,NULL,1750001632252,1750001632253,'py_pickle','terrarium',1750001632000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wkfz4b6t8twcyvngq51w',1,'submit','gASVhwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST01QVF9NT0RFUkFURUSUjAdtZXNzYWdllIxBVGhlIHByb3ZpZGVyIHJlZnVzZWQgdGhlIHByb21wdC4gQ2hhbmdlIHRoZSBwcm9tcHQgYW5kIHRyeSBhZ2Fpbi6UjAtyZXRyeV9hZnRlcpROdS4=',NULL,NULL,1750001632276,1750001632277,'py_pickle','terrarium',1750001632000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wkfhgtsswfqr441tnk7r',1,'submit','gASVhwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST01QVF9NT0RFUkFURUSUjAdtZXNzYWdllIxBVGhlIHByb3ZpZGVyIHJlZnVzZWQgdGhlIHByb21wdC4gQ2hhbmdlIHRoZSBwcm9tcHQgYW5kIHRyeSBhZ2Fpbi6UjAtyZXRyeV9hZnRlcpROdS4=',NULL,NULL,1750001632279,1750001632280,'py_pickle','terrarium',1750001632000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wkkv1g2ahb9pqzmrn4rw',1,'submit','gASVNAAAAAAAAAB9lIwGdGlja2V0lIwkcGFpZC8zL2ltYWdlL2NhbmNlbGxlZCB3aGlsZSBydW5uaW5nlHMu',NULL,NULL,1750001632387,1750001632388,'py_pickle','terrarium',1750001632000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wm782ancmp2y4qhbgy34',1,'submit','gASVNQAAAAAAAAB9lIwGdGlja2V0lIwlcGFpZC80L2ltYWdlL3dhaXRzIHRocm91Z2ggdHdvIGRlYXRoc5RzLg==',NULL,NULL,1750001633008,1750001633009,'py_pickle','terrarium',1750001633000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqb8r81qam2e5wqhwdkh',1,'submit','gASVIgAAAAAAAAB9lIwGdGlja2V0lIwScGFpZC8xL2ltYWdlL3dhaXRzlHMu',NULL,NULL,1750001636239,1750001636239,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqc252d0y86xveg408mq',1,'submit','gASVLAAAAAAAAAB9lIwGdGlja2V0lIwccGFpZC8yL2ltYWdlL3Nob3dzIGEgcHJldmlld5RzLg==',NULL,NULL,1750001636254,1750001636255,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdqytc4qeb7t6mapxcq',1,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636305,1750001636306,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdcegbq6zagc5c61svw',1,'submit','gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=',NULL,NULL,1750001636298,1750001636300,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdvpy37akhyxj1x2t6j',1,'submit','gASVNAAAAAAAAAB9lIwGdGlja2V0lIwkZmlyc3QvMS9pbWFnZS9zZWNvbmQgYWZ0ZXIgYSBmYWlsdXJllHMu',NULL,NULL,1750001636315,1750001636315,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqeberyw7rdbrv9d0fjr',1,'submit','gASVRQAAAAAAAAB9lIwGdGlja2V0lIw1Zmlyc3QvMi9pbWFnZS9zZWNvbmQgYWZ0ZXIgYSBmYWlsdXJlLCBzZWNvbmQgb25lIGdvbmWUcy4=',NULL,NULL,1750001636322,1750001636323,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdcegbq6zagc5c61svw',2,'submit','gASVNQAAAAAAAAB9lIwGdGlja2V0lIwlc2Vjb25kLzEvaW1hZ2Uvc2Vjb25kIGFmdGVyIGEgcmVmdXNhbJRzLg==',NULL,NULL,1750001636313,1750001636314,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdvpy37akhyxj1x2t6j',2,'submit','gASVNQAAAAAAAAB9lIwGdGlja2V0lIwlc2Vjb25kLzIvaW1hZ2Uvc2Vjb25kIGFmdGVyIGEgZmFpbHVyZZRzLg==',NULL,NULL,1750001636317,1750001636318,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqeberyw7rdbrv9d0fjr',2,'submit','gASVRAAAAAAAAAB9lIwGdGlja2V0lIw0cGFpZC8zL2ltYWdlL3NlY29uZCBhZnRlciBhIGZhaWx1cmUsIHNlY29uZCBvbmUgZ29uZZRzLg==',NULL,NULL,1750001636325,1750001636326,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqf7rryp4nt5b5qt722c',1,'submit','gASVNgAAAAAAAAB9lIwGdGlja2V0lIwmc2Vjb25kLzMvaW1hZ2Uvc2Vjb25kIGFmdGVyIGEgZnJlZSBvbmWUcy4=',NULL,NULL,1750001636374,1750001636375,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x',1,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636399,1750001636402,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfscnxpdphz3zagwjf8',1,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636402,1750001636405,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqgxtvk7jxwrqdq2wmty',1,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636416,1750001636417,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqhmtb86etpvzekzx5g2',1,'submit','gASVhwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST01QVF9NT0RFUkFURUSUjAdtZXNzYWdllIxBVGhlIHByb3ZpZGVyIHJlZnVzZWQgdGhlIHByb21wdC4gQ2hhbmdlIHRoZSBwcm9tcHQgYW5kIHRyeSBhZ2Fpbi6UjAtyZXRyeV9hZnRlcpROdS4=',NULL,NULL,1750001636448,1750001636449,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqk13ss42rqt1gba234m',1,'submit','gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=',NULL,NULL,1750001636472,1750001636473,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqk13ss42rqt1gba234m',2,'submit','gASVdwAAAAAAAAB9lCiMBGNvZGWUjBtHRU5FUkFUSU9OX1BST1ZJREVSX1RJTUVPVVSUjAdtZXNzYWdllIwxVGhlIHNlY29uZCBwcm92aWRlciB0b29rIHRvbyBsb25nOyB0cnkgb25jZSBtb3JlLpSMC3JldHJ5X2FmdGVylE51Lg==',NULL,NULL,1750001636483,1750001636483,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdqytc4qeb7t6mapxcq',2,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636510,1750001636511,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqkfneh6rx2c2f1m38zh',1,'submit','gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=',NULL,NULL,1750001636515,1750001636516,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqn64sha1bh1y4ywymqv',1,'submit','gASVLAAAAAAAAAB9lIwGdGlja2V0lIwccGFpZC80L3RleHQvYSB0ZXh0IHVuZGVyIHdheZRzLg==',NULL,NULL,1750001636526,1750001636526,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqmvkdas548t2fyzm2dg',1,'submit','gASVNAAAAAAAAAB9lIwGdGlja2V0lIwkcGFpZC81L2ltYWdlL29mIGEgbW9kZWwgdGhhdCBpcyBnb25llHMu',NULL,NULL,1750001636528,1750001636528,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x',2,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636631,1750001636632,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfscnxpdphz3zagwjf8',2,'submit','gASVMAAAAAAAAAB9lIwGdGlja2V0lIwgcGFpZC82L2ltYWdlL2J1c3ksIHRoZW4gYSB0aWNrZXSUcy4=',NULL,NULL,1750001636639,1750001636639,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdqytc4qeb7t6mapxcq',3,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636719,1750001636719,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqdqytc4qeb7t6mapxcq',4,'submit','gASVNgAAAAAAAAB9lIwGdGlja2V0lIwmc2Vjb25kLzQvaW1hZ2Uvc2Vjb25kIGFmdGVyIGJlaW5nIGJ1c3mUcy4=',NULL,NULL,1750001636722,1750001636723,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x',3,'submit','gASVhAAAAAAAAAB9lCiMBGNvZGWUjCNHRU5FUkFUSU9OX0RPV05TVFJFQU1fU0VSVklDRV9FUlJPUpSMB21lc3NhZ2WUjDZUaGUgZmlyc3QgcHJvdmlkZXIgaGFzIHRyb3VibGUgKDUwMykuIFRyeSBhZ2FpbiBsYXRlci6UjAtyZXRyeV9hZnRlcpROdS4=',NULL,NULL,1750001636841,1750001636842,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x',4,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001636844,1750001636845,'py_pickle','terrarium',1750001636000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x',5,'submit','gASVcwAAAAAAAAB9lCiMBGNvZGWUjBpHRU5FUkFUSU9OX1FVRVVFX1RPT19MQVJHRZSMB21lc3NhZ2WUjCZUaGUgcHJvdmlkZXIgaXMgYnVzeTsgdHJ5IGFnYWluIGxhdGVyLpSMC3JldHJ5X2FmdGVylEc/yZmZmZmZmnUu',NULL,NULL,1750001637048,1750001637049,'py_pickle','terrarium',1750001637000);
INSERT INTO "operation_outputs" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x',6,'submit','gASVMQAAAAAAAAB9lIwGdGlja2V0lIwhc2Vjb25kLzUvaW1hZ2UvYnVzeSB0d2ljZSBvbiBlYWNolHMu',NULL,NULL,1750001637253,1750001637254,'py_pickle','terrarium',1750001637000);
CREATE TABLE projects (
	project_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	name TEXT NOT NULL,
	origin TEXT,
	created_at BIGINT NOT NULL,
	last_modified BIGINT NOT NULL,
	PRIMARY KEY (project_id),
	FOREIGN KEY(workspace_id) REFERENCES workspaces (workspace_id)
);
INSERT INTO "projects" VALUES('prj_01m8f1wk490xns7qddthqjsbsp','ws_01m8f1wk46shd09yq7xbhbnncd','My project',NULL,1750001631878,1750001640395);
INSERT INTO "projects" VALUES('prj_01m8f1wk8z7rnycg6n89wnav1x','ws_01m8f1wk8wn6smnkbm5btdqxpq','Second project','api',1750001632027,1750001640404);
CREATE TABLE queues (
    queue_id TEXT PRIMARY KEY DEFAULT (hex(randomblob(16))),
    name TEXT NOT NULL UNIQUE,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    rate_limit_max INTEGER,
    rate_limit_period_sec REAL,
    priority_enabled BOOLEAN NOT NULL DEFAULT FALSE,
    partition_queue BOOLEAN NOT NULL DEFAULT FALSE,
    polling_interval_sec REAL NOT NULL DEFAULT 1.0,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
, "application_name" TEXT DEFAULT NULL, "partition_concurrency" INTEGER DEFAULT NULL, "partition_worker_concurrency" INTEGER DEFAULT NULL, "partition_rate_limit_max" INTEGER DEFAULT NULL, "partition_rate_limit_period_sec" REAL DEFAULT NULL);
CREATE TABLE run_outputs (
	output_id TEXT NOT NULL,
	run_id TEXT NOT NULL,
	position INTEGER NOT NULL,
	type TEXT NOT NULL,
	text TEXT,
	blob TEXT,
	content_type TEXT NOT NULL,
	size_bytes BIGINT NOT NULL,
	sha256 TEXT NOT NULL,
	width INTEGER,
	height INTEGER,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (output_id),
	UNIQUE (blob),
	CONSTRAINT uq_run_outputs_position UNIQUE (run_id, position)
);
INSERT INTO "run_outputs" VALUES('out_01m8f1wkedwvqmvnvhm56mpdg4','run_01m8f1wke0hwz6n9jhba8dpkda',0,'imageUrl',NULL,'out_01m8f1wkedb5smxh0e18rfp2k5.png','image/png',19,'6482bdd827a30c9ebd5252b06ecb2a42b6eb8b1f84c10f63f1f4fe3792cfe62d',8,8,1750001632205);
INSERT INTO "run_outputs" VALUES('out_01m8f1wkfb8qcm1f8fwdawyw73','run_01m8f1wked1f65fec0zv87cphf',0,'imageUrl',NULL,'out_01m8f1wkfbgvctkshc3zk3xd8k.png','image/png',20,'27fd1ad0af14b418bca5f92a9ebcc261dd51aed8c96340cc67392c36837eba25',8,8,1750001632235);
INSERT INTO "run_outputs" VALUES('out_01m8f1wkfter4x4ry59ax4err1','run_01m8f1wkerx6w6sv7w5m1eawe0',0,'text','Old pond; a frog leaps.',NULL,'text/plain',23,'c0ab11cc3e855c0bc60b67b01a1673183dc2db7774373fe08f6446d33174fcbd',NULL,NULL,1750001632250);
INSERT INTO "run_outputs" VALUES('out_01m8f1wkfykfcc0hzjw5efxtfh','run_01m8f1wkf4zq9fd53f72x4qqar',0,'imageUrl',NULL,'out_01m8f1wkfy5h2tjmr7nw1naydb.png','image/png',27,'994a35bd884aaea6f0582cdecc46f8d47be6cbd6b39b27421e3a4c290736ca54',8,8,1750001632254);
CREATE TABLE runs (
	run_id TEXT NOT NULL,
	workspace_id TEXT NOT NULL,
	project_id TEXT NOT NULL,
	key_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	type TEXT NOT NULL,
	model_id TEXT NOT NULL,
	prompt TEXT NOT NULL,
	params JSON NOT NULL,
	node_id TEXT NOT NULL,
	state TEXT NOT NULL,
	progress INTEGER NOT NULL,
	held_micros BIGINT NOT NULL,
	cost_micros BIGINT,
	estimated_seconds INTEGER,
	error_code TEXT,
	error_message TEXT,
	worker_id TEXT,
	attempts INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	started_at BIGINT,
	completed_at BIGINT, preview TEXT,
	PRIMARY KEY (run_id),
	CONSTRAINT ck_runs_state CHECK (state IN ('pending', 'running', 'completed', 'failed'))
);
INSERT INTO "runs" VALUES('run_01m8f1wke0hwz6n9jhba8dpkda','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-free','a red cube','{"seed": 7, "style": "auto"}','f3c37cd6-d05f-4e38-ad42-83b6720a9b2b','completed',100,4000,4000,1,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1,1750001632192,1750001632202,1750001632206,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wked1f65fec0zv87cphf','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-paid','a blue ball','{"style": "noir"}','70f36344-b170-4615-b3a1-85af3bbed004','completed',100,12300,12300,1,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1,1750001632205,1750001632210,1750001632237,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wkerx6w6sv7w5m1eawe0','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','text','t2t-paid','a haiku','{"style": "auto"}','3126f4b1-0f6c-4957-a481-1ed0f52bdb0e','completed',100,1000,1000,1,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1,1750001632216,1750001632222,1750001632250,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wkf4zq9fd53f72x4qqar','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk91qzqgfjq1s66gp1ah','generation','image','t2i-second','made on the second','{"style": "auto"}','f7858eb3-5955-4092-a75e-fdb4101fb4ad','completed',100,30000,30000,1,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1,1750001632228,1750001632231,1750001632255,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wkfhgtsswfqr441tnk7r','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-paid','refused','{"style": "auto"}','d2e093ee-fb46-4cd1-9143-2f6b679c6dae','failed',100,12300,0,1,'GENERATION_PROMPT_MODERATED','The provider refused the prompt. Change the prompt and try again.','wrk_01m8f1wk73papb3jbe214zqeh9',1,1750001632241,1750001632245,1750001632287,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wkfz4b6t8twcyvngq51w','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','refused','{"style": "auto"}','f2f077de-c64d-45ca-bff1-15af4c083986','failed',100,12300,0,1,'GENERATION_PROMPT_MODERATED','The provider refused the prompt. Change the prompt and try again.','wrk_01m8f1wk73papb3jbe214zqeh9',1,1750001632255,1750001632245,1750001632283,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wkkv1g2ahb9pqzmrn4rw','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','cancelled while running','{"style": "auto"}','7157db13-ae5f-4085-9f04-de92ac4fbe79','failed',100,12300,0,1,'GENERATION_CANCELLED','The run was cancelled; nothing was charged.','wrk_01m8f1wk73papb3jbe214zqeh9',1,1750001632379,1750001632382,1750001632995,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wm782ancmp2y4qhbgy34','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','waits through two deaths','{"style": "auto"}','25559ea1-5983-4620-a85c-ddddfb8004b9','running',0,12300,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',2,1750001633000,1750001633003,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wm7j5sfa95g60sdhp7cq','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-free','free through two deaths','{"style": "auto"}','ee34e108-00db-4998-909f-de3267ff837c','running',0,4000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',2,1750001633010,1750001634521,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqb8r81qam2e5wqhwdkh','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-paid','waits','{"seed": 11, "style": "auto"}','de4752cc-521b-4d24-9b84-9c21f1b76361','running',0,12300,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636200,1750001636220,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqc252d0y86xveg408mq','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','shows a preview','{"style": "auto"}','7a0c18a9-4d89-4c2b-9fe0-34534713d43f','running',50,12300,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636226,1750001636234,NULL,'data:image/png;base64,aGFsZiBhIHBpY3R1cmU=');
INSERT INTO "runs" VALUES('run_01m8f1wqcjd7dk2bhgcxkx3kqd','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-free','free','{"seed": 13, "style": "auto"}','a293bf49-cf6a-488d-a66a-ae2a1953d495','running',0,4000,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636242,1750001636234,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqd0a8tcj967mnk12c0n','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','claimed only','{"style": "auto"}','c165c308-70cd-4146-81e7-25c9b8459655','running',0,12300,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636256,1750001636255,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqd7wky23eyj9448vcqs','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','never submitted','{"style": "auto"}','4ecba612-22c5-46c6-851c-8d1e1373dcd8','running',0,12300,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636263,1750001636265,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqdcegbq6zagc5c61svw','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-first','second after a refusal','{"style": "auto"}','cb70e741-d86d-481b-b457-2d72dcf8a412','running',0,20000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636268,1750001636273,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqdqytc4qeb7t6mapxcq','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk91qzqgfjq1s66gp1ah','generation','image','t2i-first','second after being busy','{"style": "auto"}','26b05d29-6c5d-46b9-bf0c-1eaabaae2648','running',0,20000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636279,1750001636283,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqdvpy37akhyxj1x2t6j','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-first','second after a failure','{"style": "auto"}','2327badd-6996-4380-b595-e67d0bc8f5c1','running',0,20000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636283,1750001636283,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqeberyw7rdbrv9d0fjr','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-lonely','second after a failure, second one gone','{"style": "auto"}','4af8e7e2-6298-4611-a842-cafbf17c3757','running',0,20000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636299,1750001636293,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqf7rryp4nt5b5qt722c','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-local','second after a free one','{"style": "auto"}','dcc1d3d8-c165-4842-b253-3d4033cd5da2','running',0,4000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636327,1750001636312,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqfnph17v4y44e0fm9gp','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk91qzqgfjq1s66gp1ah','generation','image','t2i-local','free one with a paid second','{"style": "auto"}','1e610670-9de1-43b2-964b-19b73c580a67','running',0,4000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636341,1750001636366,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqfscnxpdphz3zagwjf8','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','busy, then a ticket','{"style": "auto"}','9301dbc9-605e-454e-a560-2e97ae4a0458','running',0,12300,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636345,1750001636366,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-first','busy twice on each','{"style": "auto"}','719da4ca-0ef1-4bf0-82a3-64ecf4dcecce','running',0,20000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636350,1750001636366,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqgxtvk7jxwrqdq2wmty','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','busy, then nothing','{"style": "auto"}','a3d3e1ed-e86e-40a1-b5e1-3bf2c7765604','running',0,12300,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636381,1750001636366,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqhmtb86etpvzekzx5g2','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','refused, not failed yet','{"style": "auto"}','a7be8bca-3f3c-427b-9dac-647a95c96e55','running',0,12300,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636404,1750001636397,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqk13ss42rqt1gba234m','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-first','refused twice, not failed yet','{"style": "auto"}','0200c2ad-6e8f-4085-8dbd-c97ecd463c5f','running',0,20000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636449,1750001636458,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqkfneh6rx2c2f1m38zh','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-first','refused, second never submitted','{"style": "auto"}','b22cf412-46bd-4bfb-b069-2c421003e90e','running',0,20000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636463,1750001636469,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqmvkdas548t2fyzm2dg','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-gone','of a model that is gone','{"style": "auto"}','a0a6cffa-0995-4704-ac5b-3af7d50dfd1d','running',0,50000,NULL,1,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636507,1750001636512,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wqn64sha1bh1y4ywymqv','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk91qzqgfjq1s66gp1ah','generation','text','t2t-paid','a text under way','{"style": "auto"}','9c71a259-bcab-44f0-8f32-ab1e28b718ee','running',0,1000,NULL,0,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1,1750001636518,1750001636512,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wvebm9mgzw859mvyjzwj','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-free','pending','{"style": "auto"}','d120d433-7d60-4689-924d-86cb2359692c','pending',0,4000,NULL,0,NULL,NULL,NULL,0,1750001640395,NULL,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wvemjhvcqt5qp94ve8mh','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-paid','pending','{"seed": 17, "style": "auto"}','e4a48de1-f30e-4b2c-ad19-c1e2911aca97','pending',0,12300,NULL,0,NULL,NULL,NULL,0,1750001640404,NULL,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wvesh132gd43zcebqfbd','ws_01m8f1wk8wn6smnkbm5btdqxpq','prj_01m8f1wk8z7rnycg6n89wnav1x','key_01m8f1wk9096m30vj83q6216bq','generation','image','t2i-gone','pending, model gone','{"style": "auto"}','c7a26540-e9e9-47ee-8069-66677f99764d','pending',0,50000,NULL,1,NULL,NULL,NULL,0,1750001640409,NULL,NULL,NULL);
INSERT INTO "runs" VALUES('run_01m8f1wvey5hev7074xpxhqgws','ws_01m8f1wk46shd09yq7xbhbnncd','prj_01m8f1wk490xns7qddthqjsbsp','key_01m8f1wk4bqwjeyptr8377dapc','generation','image','t2i-free','cancelled while pending','{"style": "auto"}','82a68ddf-0d4a-4816-ab3f-ce4b376f1036','failed',100,4000,0,0,'GENERATION_CANCELLED','The run was cancelled; nothing was charged.',NULL,0,1750001640414,NULL,1750001640418,NULL);
CREATE TABLE streams (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    "offset" INTEGER NOT NULL, function_id INTEGER NOT NULL DEFAULT 0, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key, "offset"),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workers (
	worker_id TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	heartbeat_at BIGINT NOT NULL,
	PRIMARY KEY (worker_id)
);
INSERT INTO "workers" VALUES('wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001634498,1750001640189);
CREATE TABLE workflow_events (
    workflow_uuid TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_events_history (
    workflow_uuid TEXT NOT NULL,
    function_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL, "serialization" TEXT DEFAULT NULL,
    PRIMARY KEY (workflow_uuid, function_id, key),
    FOREIGN KEY (workflow_uuid) REFERENCES workflow_status(workflow_uuid)
        ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE TABLE workflow_input (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    inputs TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_input" VALUES('run_01m8f1wked1f65fec0zv87cphf','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd2tlZDFmNjVmZWMwenY4N2NwaGaUhZSMBmt3YXJnc5R9lHUu',1750001632000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wkerx6w6sv7w5m1eawe0','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd2tlcng2dzZzdjd3NW0xZWF3ZTCUhZSMBmt3YXJnc5R9lHUu',1750001632000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wkf4zq9fd53f72x4qqar','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd2tmNHpxOWZkNTNmNzJ4NHFxYXKUhZSMBmt3YXJnc5R9lHUu',1750001632000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wkfz4b6t8twcyvngq51w','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd2tmejRiNnQ4dHdjeXZuZ3E1MXeUhZSMBmt3YXJnc5R9lHUu',1750001632000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wkfhgtsswfqr441tnk7r','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd2tmaGd0c3N3ZnFyNDQxdG5rN3KUhZSMBmt3YXJnc5R9lHUu',1750001632000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wkkv1g2ahb9pqzmrn4rw','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd2trdjFnMmFoYjlwcXptcm40cneUhZSMBmt3YXJnc5R9lHUu',1750001632000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wm782ancmp2y4qhbgy34','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd203ODJhbmNtcDJ5NHFoYmd5MzSUhZSMBmt3YXJnc5R9lHUu',1750001633000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqb8r81qam2e5wqhwdkh','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FiOHI4MXFhbTJlNXdxaHdka2iUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqc252d0y86xveg408mq','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FjMjUyZDB5ODZ4dmVnNDA4bXGUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqd7wky23eyj9448vcqs','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FkN3dreTIzZXlqOTQ0OHZjcXOUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqdcegbq6zagc5c61svw','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FkY2VnYnE2emFnYzVjNjFzdneUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqdqytc4qeb7t6mapxcq','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FkcXl0YzRxZWI3dDZtYXB4Y3GUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqdvpy37akhyxj1x2t6j','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FkdnB5Mzdha2h5eGoxeDJ0NmqUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqeberyw7rdbrv9d0fjr','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FlYmVyeXc3cmRicnY5ZDBmanKUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqf7rryp4nt5b5qt722c','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FmN3JyeXA0bnQ1YjVxdDcyMmOUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqfnph17v4y44e0fm9gp','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FmbnBoMTd2NHk0NGUwZm05Z3CUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FmeTR6bnp2NTgzNWZxMmRoMXiUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqfscnxpdphz3zagwjf8','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3Fmc2NueHBkcGh6M3phZ3dqZjiUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqgxtvk7jxwrqdq2wmty','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FneHR2azdqeHdycWRxMndtdHmUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqhmtb86etpvzekzx5g2','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FobXRiODZldHB2emVreng1ZzKUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqk13ss42rqt1gba234m','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FrMTNzczQycnF0MWdiYTIzNG2UhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqkfneh6rx2c2f1m38zh','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FrZm5laDZyeDJjMmYxbTM4emiUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqn64sha1bh1y4ywymqv','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FuNjRzaGExYmgxeTR5d3ltcXaUhZSMBmt3YXJnc5R9lHUu',1750001636000);
INSERT INTO "workflow_input" VALUES('run_01m8f1wqmvkdas548t2fyzm2dg','gASVOgAAAAAAAAB9lCiMBGFyZ3OUjB5ydW5fMDFtOGYxd3FtdmtkYXM1NDh0MmZ5em0yZGeUhZSMBmt3YXJnc5R9lHUu',1750001636000);
CREATE TABLE workflow_output (
    workflow_uuid TEXT NOT NULL PRIMARY KEY,
    output TEXT,
    error TEXT,
    retention_timestamp INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000)
);
INSERT INTO "workflow_output" VALUES('run_01m8f1wked1f65fec0zv87cphf','gAROLg==',NULL,1750001632000);
INSERT INTO "workflow_output" VALUES('run_01m8f1wkf4zq9fd53f72x4qqar','gAROLg==',NULL,1750001632000);
INSERT INTO "workflow_output" VALUES('run_01m8f1wkerx6w6sv7w5m1eawe0','gAROLg==',NULL,1750001632000);
INSERT INTO "workflow_output" VALUES('run_01m8f1wkfz4b6t8twcyvngq51w','gAROLg==',NULL,1750001632000);
INSERT INTO "workflow_output" VALUES('run_01m8f1wkfhgtsswfqr441tnk7r','gAROLg==',NULL,1750001632000);
INSERT INTO "workflow_output" VALUES('run_01m8f1wkkv1g2ahb9pqzmrn4rw','gAROLg==',NULL,1750001633000);
CREATE TABLE workflow_schedules (
    schedule_id TEXT PRIMARY KEY,
    schedule_name TEXT NOT NULL UNIQUE,
    workflow_name TEXT NOT NULL,
    workflow_class_name TEXT,
    schedule TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    context TEXT NOT NULL
, "last_fired_at" TEXT DEFAULT NULL, "automatic_backfill" BOOLEAN NOT NULL DEFAULT FALSE, "cron_timezone" TEXT DEFAULT NULL, "queue_name" TEXT DEFAULT NULL, "application_name" TEXT DEFAULT NULL);
CREATE TABLE workflow_status (
    workflow_uuid TEXT PRIMARY KEY,
    status TEXT,
    name TEXT,
    authenticated_user TEXT,
    assumed_role TEXT,
    authenticated_roles TEXT,
    request TEXT,
    output TEXT,
    error TEXT,
    executor_id TEXT,
    created_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    updated_at INTEGER NOT NULL DEFAULT (strftime('%s','now') * 1000),
    application_version TEXT,
    application_id TEXT,
    class_name TEXT DEFAULT NULL,
    config_name TEXT DEFAULT NULL,
    recovery_attempts INTEGER DEFAULT 0,
    queue_name TEXT,
    workflow_timeout_ms INTEGER,
    workflow_deadline_epoch_ms INTEGER,
    inputs TEXT,
    started_at_epoch_ms INTEGER,
    deduplication_id TEXT,
    priority INTEGER NOT NULL DEFAULT 0
, queue_partition_key TEXT, forked_from TEXT, "owner_xid" TEXT DEFAULT NULL, "parent_workflow_id" TEXT DEFAULT NULL, "serialization" TEXT DEFAULT NULL, "delay_until_epoch_ms" BIGINT DEFAULT NULL, "was_forked_from" BOOLEAN NOT NULL DEFAULT FALSE, "rate_limited" BOOLEAN NOT NULL DEFAULT FALSE, "completed_at" BIGINT, "attributes" TEXT, "schedule_name" TEXT, "debounce_deadline_epoch_ms" BIGINT DEFAULT NULL, "is_debounced" BOOLEAN NOT NULL DEFAULT FALSE, "application_name" TEXT DEFAULT NULL, "creator_xid" TEXT DEFAULT NULL);
INSERT INTO "workflow_status" VALUES('run_01m8f1wked1f65fec0zv87cphf','SUCCESS','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1750001632000,1750001632000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1750001632000,'null',NULL,NULL,0,'terrarium','6e229c40-4376-4e84-bcb1-9cb2b9a04a1b');
INSERT INTO "workflow_status" VALUES('run_01m8f1wkerx6w6sv7w5m1eawe0','SUCCESS','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1750001632000,1750001632000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1750001632000,'null',NULL,NULL,0,'terrarium','5fd86eaf-08a8-4aa0-b576-9841c4811807');
INSERT INTO "workflow_status" VALUES('run_01m8f1wkf4zq9fd53f72x4qqar','SUCCESS','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1750001632000,1750001632000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1750001632000,'null',NULL,NULL,0,'terrarium','509637fb-ff43-48d8-9579-d2f530ed8b02');
INSERT INTO "workflow_status" VALUES('run_01m8f1wkfz4b6t8twcyvngq51w','SUCCESS','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1750001632000,1750001632000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1750001632000,'null',NULL,NULL,0,'terrarium','ec355382-edff-4d38-bdb7-d9eddcdcb455');
INSERT INTO "workflow_status" VALUES('run_01m8f1wkfhgtsswfqr441tnk7r','SUCCESS','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1750001632000,1750001632000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1750001632000,'null',NULL,NULL,0,'terrarium','ab6abc39-f29b-41bd-b4d2-09bf9679fc01');
INSERT INTO "workflow_status" VALUES('run_01m8f1wkkv1g2ahb9pqzmrn4rw','SUCCESS','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wk73papb3jbe214zqeh9',1750001632000,1750001633000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,NULL,NULL,'py_pickle',NULL,0,0,1750001633000,'null',NULL,NULL,0,'terrarium','882ffc34-f5b1-4679-a963-a3e3af002a78');
INSERT INTO "workflow_status" VALUES('run_01m8f1wm782ancmp2y4qhbgy34','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001633000,1750001635000,'1','',NULL,NULL,1,'_dbos_internal_queue',NULL,NULL,NULL,1750001635000,NULL,0,NULL,NULL,'88faea91-6a9b-4950-ba3a-172e98ce3077',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','318c8a57-95a9-49de-af71-3b36d4e126dd');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqb8r81qam2e5wqhwdkh','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'d9831538-2c60-4073-ad66-60f6b53983ea',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','d9831538-2c60-4073-ad66-60f6b53983ea');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqc252d0y86xveg408mq','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'04b1807b-a740-4041-929e-1a30eba1f7d5',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','04b1807b-a740-4041-929e-1a30eba1f7d5');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqd7wky23eyj9448vcqs','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'dc50fe18-edcf-44f1-874e-23eb9dca047a',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','dc50fe18-edcf-44f1-874e-23eb9dca047a');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqdcegbq6zagc5c61svw','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'7e125103-a3de-448b-b982-86635333fd08',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','7e125103-a3de-448b-b982-86635333fd08');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqdqytc4qeb7t6mapxcq','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'56922640-abe4-41ff-aa19-9d3a8c6a85c5',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','56922640-abe4-41ff-aa19-9d3a8c6a85c5');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqdvpy37akhyxj1x2t6j','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'545c9b73-9c2b-4649-a60b-a4842402f8fd',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','545c9b73-9c2b-4649-a60b-a4842402f8fd');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqeberyw7rdbrv9d0fjr','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'bbe2207f-853e-4cb9-af91-f1c8631aa1a1',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','bbe2207f-853e-4cb9-af91-f1c8631aa1a1');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqf7rryp4nt5b5qt722c','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'e52538d1-08fc-45b8-a74c-168e6180bdc2',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','e52538d1-08fc-45b8-a74c-168e6180bdc2');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqfnph17v4y44e0fm9gp','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'983d357c-6017-4900-b752-43515c267af5',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','983d357c-6017-4900-b752-43515c267af5');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqfy4znzv5835fq2dh1x','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'729cf4d3-ae99-4772-b66a-5377583f2c8c',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','729cf4d3-ae99-4772-b66a-5377583f2c8c');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqfscnxpdphz3zagwjf8','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'2239db27-0a04-48a5-aef6-7174be9c9ad0',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','2239db27-0a04-48a5-aef6-7174be9c9ad0');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqgxtvk7jxwrqdq2wmty','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'df92c4ad-a355-440f-b311-beee36d03c9a',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','df92c4ad-a355-440f-b311-beee36d03c9a');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqhmtb86etpvzekzx5g2','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'17d52a8f-70bd-40ad-aabd-09420e2d791a',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','17d52a8f-70bd-40ad-aabd-09420e2d791a');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqk13ss42rqt1gba234m','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'ea7528aa-0498-4b7e-9178-c189a501b923',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','ea7528aa-0498-4b7e-9178-c189a501b923');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqkfneh6rx2c2f1m38zh','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'963456a0-2721-4d5f-bc0b-b5bd5a7c657c',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','963456a0-2721-4d5f-bc0b-b5bd5a7c657c');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqn64sha1bh1y4ywymqv','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'9cea9675-b5da-42c4-8b7c-e2bdd1d472b5',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','9cea9675-b5da-42c4-8b7c-e2bdd1d472b5');
INSERT INTO "workflow_status" VALUES('run_01m8f1wqmvkdas548t2fyzm2dg','PENDING','generation',NULL,NULL,NULL,NULL,NULL,NULL,'wrk_01m8f1wnnj3vds87vzgkg7sqmp',1750001636000,1750001636000,'1','',NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'1fdc1f1d-19ac-413e-88ae-cb82b17d9284',NULL,'py_pickle',NULL,0,0,NULL,'null',NULL,NULL,0,'terrarium','1fdc1f1d-19ac-413e-88ae-cb82b17d9284');
CREATE TABLE workspaces (
	workspace_id TEXT NOT NULL,
	name TEXT NOT NULL,
	rate_limit INTEGER,
	webhook_secret TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	PRIMARY KEY (workspace_id)
);
INSERT INTO "workspaces" VALUES('ws_01m8f1wk46shd09yq7xbhbnncd','My workspace',NULL,'whsec_recorded',1750001631878);
INSERT INTO "workspaces" VALUES('ws_01m8f1wk8wn6smnkbm5btdqxpq','Second workspace',NULL,'whsec_recorded',1750001632027);
CREATE INDEX ix_idempotency_keys_expiry ON idempotency_keys (expires_at);
CREATE INDEX ix_ledger_entries_workspace ON ledger_entries (workspace_id, entry_id);
CREATE INDEX ix_runs_model ON runs (model_id, completed_at);
CREATE INDEX ix_runs_project ON runs (project_id, run_id);
CREATE INDEX ix_runs_unfinished ON runs (state, run_id) WHERE state = 'pending' OR state = 'running';
CREATE INDEX ix_runs_workspace ON runs (workspace_id, run_id);
CREATE INDEX ix_api_keys_workspace ON api_keys (workspace_id);
CREATE INDEX ix_projects_recent ON projects (workspace_id, last_modified, project_id);
CREATE INDEX workflow_status_created_at_index ON workflow_status (created_at);
CREATE INDEX idx_workflow_topic ON notifications (destination_uuid, topic);
CREATE INDEX "idx_workflow_status_delayed" ON "workflow_status" ("delay_until_epoch_ms") WHERE status = 'DELAYED';
CREATE INDEX "idx_workflow_status_forked_from" ON "workflow_status" ("forked_from") WHERE "forked_from" IS NOT NULL;
CREATE INDEX "idx_workflow_status_parent_workflow_id" ON "workflow_status" ("parent_workflow_id") WHERE "parent_workflow_id" IS NOT NULL;
CREATE UNIQUE INDEX "uq_workflow_status_dedup_id" ON "workflow_status" ("queue_name", "deduplication_id") WHERE "deduplication_id" IS NOT NULL;
CREATE INDEX "idx_workflow_status_pending" ON "workflow_status" ("created_at") WHERE "status" = 'PENDING';
CREATE INDEX "idx_workflow_status_failed" ON "workflow_status" ("status", "created_at") WHERE "status" IN ('ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED');
CREATE INDEX "idx_workflow_status_rate_limited" ON "workflow_status" ("queue_name", "started_at_epoch_ms") WHERE "rate_limited" = TRUE;
CREATE INDEX "idx_workflow_status_completed_at" ON "workflow_status" ("completed_at") WHERE "completed_at" IS NOT NULL;
CREATE INDEX "idx_workflow_status_started_at" ON "workflow_status" ("started_at_epoch_ms") WHERE "started_at_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_workflow_status_schedule_name" ON "workflow_status" ("schedule_name") WHERE "schedule_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_owner_version"
    ON application_versions ("application_name", "version_name")
    WHERE "application_name" IS NOT NULL;
CREATE UNIQUE INDEX "uq_application_versions_unclaimed_version"
    ON application_versions ("version_name")
    WHERE "application_name" IS NULL;
CREATE INDEX idx_workflow_input_retention
    ON workflow_input (retention_timestamp);
CREATE INDEX idx_workflow_output_retention
    ON workflow_output (retention_timestamp);
CREATE INDEX idx_operation_outputs_retention
    ON operation_outputs (retention_timestamp);
CREATE INDEX "idx_workflow_status_in_flight_v2" ON "workflow_status" ("queue_name", "status", "priority", "created_at", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING');
CREATE INDEX "idx_workflow_status_partition_dequeue_v3" ON "workflow_status" ("queue_name", "status", "queue_partition_key", "priority", "created_at", "workflow_uuid", "application_name") WHERE "status" IN ('ENQUEUED', 'PENDING') AND "queue_partition_key" IS NOT NULL;
CREATE INDEX "idx_operation_outputs_completed_at_function_name_v2" ON "operation_outputs" ("completed_at_epoch_ms", "function_name", "application_name");
CREATE INDEX "idx_workflow_status_deadline" ON "workflow_status" ("workflow_deadline_epoch_ms") WHERE "status" IN ('ENQUEUED', 'PENDING', 'DELAYED') AND "workflow_deadline_epoch_ms" IS NOT NULL;
CREATE INDEX "idx_application_versions_timestamp" ON "application_versions" ("version_timestamp" DESC);
CREATE INDEX "idx_application_versions_owner_timestamp" ON "application_versions" ("application_name", "version_timestamp" DESC);
COMMIT;
