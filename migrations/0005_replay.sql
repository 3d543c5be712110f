CREATE TABLE `revisions` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`revision` text NOT NULL,
	`at` integer NOT NULL,
	`who` text,
	`how` text NOT NULL,
	`outcome` text NOT NULL,
	`problems` integer DEFAULT 0 NOT NULL,
	`files` blob
);
--> statement-breakpoint
CREATE INDEX `revisions_revision` ON `revisions` (`revision`,`seq`);--> statement-breakpoint
ALTER TABLE `actions` ADD `shadows` text;--> statement-breakpoint
ALTER TABLE `actions` ADD `described` text;--> statement-breakpoint
CREATE INDEX `actions_shadows` ON `actions` (`seq`) WHERE shadows IS NOT NULL;